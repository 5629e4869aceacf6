#include "compiler/ir/tensor_data.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "compiler/ir/assert.h"

namespace tsc::ir {
namespace {

double decode_half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  double magnitude;
  if (exponent == 31) {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  } else {
    magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t encode_half(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520.0) return sign | 0x7c00;  // rounds to infinity
  if (magnitude == 0) return sign;
  const int exponent = std::max(std::ilogb(magnitude), -14);
  const int mantissa = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A subnormal has exponent field 0, which the missing implicit bit of the mantissa takes off here.
  return static_cast<uint16_t>(sign + ((exponent + 15) << 10) + mantissa - 1024);
}

double decode_bfloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t encode_bfloat16(double value) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);  // to nearest, ties to even
}

template <typename T>
T load(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}
template <typename T>
void store(std::byte* data, T value) {
  std::memcpy(data, &value, sizeof(T));
}

double as_real(const Element& element) {
  if (const auto* flag = std::get_if<bool>(&element)) return *flag ? 1 : 0;
  if (const auto* integer = std::get_if<int64_t>(&element)) return static_cast<double>(*integer);
  if (const auto* complex = std::get_if<std::complex<double>>(&element)) return complex->real();
  return std::get<double>(element);
}
int64_t as_integer(const Element& element) {
  const auto* integer = std::get_if<int64_t>(&element);
  return integer ? *integer : static_cast<int64_t>(as_real(element));
}
double imaginary_of(const Element& element) {
  const auto* complex = std::get_if<std::complex<double>>(&element);
  return complex ? complex->imag() : 0;
}

Element load_element(DType dtype, const std::byte* data) {
  switch (dtype) {
    case DType::kBool:
      return load<uint8_t>(data) != 0;
    case DType::kUInt8:
      return static_cast<int64_t>(load<uint8_t>(data));
    case DType::kInt8:
      return static_cast<int64_t>(load<int8_t>(data));
    case DType::kInt16:
      return static_cast<int64_t>(load<int16_t>(data));
    case DType::kInt32:
      return static_cast<int64_t>(load<int32_t>(data));
    case DType::kInt64:
      return load<int64_t>(data);
    case DType::kFloat16:
      return decode_half(load<uint16_t>(data));
    case DType::kBFloat16:
      return decode_bfloat16(load<uint16_t>(data));
    case DType::kFloat32:
      return static_cast<double>(load<float>(data));
    case DType::kFloat64:
      return load<double>(data);
    case DType::kComplex32:
      return std::complex<double>(decode_half(load<uint16_t>(data)), decode_half(load<uint16_t>(data + 2)));
    case DType::kComplex64:
      return std::complex<double>(load<float>(data), load<float>(data + 4));
    case DType::kComplex128:
      return std::complex<double>(load<double>(data), load<double>(data + 8));
    case DType::kUnknown:
      break;
  }
  TSC_ASSERT(false, "element of unknown dtype");
  return false;
}

void store_element(DType dtype, std::byte* data, const Element& element) {
  switch (dtype) {
    case DType::kBool:
      return store(data, static_cast<uint8_t>(as_real(element) != 0));
    case DType::kUInt8:
      return store(data, static_cast<uint8_t>(as_integer(element)));
    case DType::kInt8:
      return store(data, static_cast<int8_t>(as_integer(element)));
    case DType::kInt16:
      return store(data, static_cast<int16_t>(as_integer(element)));
    case DType::kInt32:
      return store(data, static_cast<int32_t>(as_integer(element)));
    case DType::kInt64:
      return store(data, as_integer(element));
    case DType::kFloat16:
      return store(data, encode_half(as_real(element)));
    case DType::kBFloat16:
      return store(data, encode_bfloat16(as_real(element)));
    case DType::kFloat32:
      return store(data, static_cast<float>(as_real(element)));
    case DType::kFloat64:
      return store(data, as_real(element));
    case DType::kComplex32:
      store(data, encode_half(as_real(element)));
      return store(data + 2, encode_half(imaginary_of(element)));
    case DType::kComplex64:
      store(data, static_cast<float>(as_real(element)));
      return store(data + 4, static_cast<float>(imaginary_of(element)));
    case DType::kComplex128:
      store(data, as_real(element));
      return store(data + 8, imaginary_of(element));
    case DType::kUnknown:
      break;
  }
  TSC_ASSERT(false, "element of unknown dtype");
}

// Calls `visit` with the address of each element in row-major order.
template <typename Visit>
void for_each_element(const TensorConstant& tensor, Visit visit) {
  const int64_t size = dtype_size(tensor.dtype);
  const std::byte* data = tensor.storage->data.get();
  const int64_t count = tensor.element_count();
  std::vector<int64_t> index(tensor.sizes.size(), 0);
  int64_t offset = tensor.offset;
  for (int64_t i = 0; i < count; ++i) {
    TSC_ASSERT(offset >= 0 && static_cast<size_t>((offset + 1) * size) <= tensor.storage->size,
               "tensor '{}' leaves its storage", tensor.name);
    visit(data + offset * size);
    for (size_t axis = index.size(); axis-- > 0;) {
      offset += tensor.strides[axis];
      if (++index[axis] < tensor.sizes[axis]) break;
      offset -= index[axis] * tensor.strides[axis];
      index[axis] = 0;
    }
  }
}

// Mixes eight bytes into the state; a bijection of the state for every word.
uint64_t mix(uint64_t state, uint64_t word) {
  state = (state ^ word) * 0x9e3779b97f4a7c15u;
  return state ^ (state >> 29);
}

uint64_t hash_bytes(uint64_t state, const std::byte* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) state = mix(state, load<uint64_t>(data));
  uint64_t tail = 0;
  std::memcpy(&tail, data, size);
  return mix(state, tail);
}

}  // namespace

std::vector<Element> read_elements(const TensorConstant& tensor) {
  std::vector<Element> elements;
  for_each_element(tensor, [&](const std::byte* data) { elements.push_back(load_element(tensor.dtype, data)); });
  return elements;
}

std::shared_ptr<TensorConstant> make_zero_tensor(std::string name, DType dtype, std::vector<int64_t> sizes) {
  auto tensor = std::make_shared<TensorConstant>();
  tensor->name = std::move(name);
  tensor->dtype = dtype;
  tensor->sizes = std::move(sizes);
  tensor->strides.resize(tensor->sizes.size());
  int64_t stride = 1;
  for (size_t i = tensor->sizes.size(); i-- > 0;) {
    tensor->strides[i] = stride;
    stride *= std::max<int64_t>(tensor->sizes[i], 1);
  }
  auto storage = std::make_shared<Storage>();
  storage->size = static_cast<size_t>(tensor->element_count() * dtype_size(dtype));
  auto* data = static_cast<std::byte*>(std::calloc(std::max<size_t>(storage->size, 1), 1));
  TSC_ASSERT(data, "no memory for a constant of {} bytes", storage->size);
  storage->data =
      std::shared_ptr<const std::byte>(data, [](const std::byte* p) { std::free(const_cast<std::byte*>(p)); });
  tensor->storage = std::move(storage);
  return tensor;
}

std::shared_ptr<TensorConstant> scale_channels(const TensorConstant& tensor, size_t axis, std::span<const double> scale) {
  TSC_ASSERT(is_floating(tensor.dtype) && static_cast<int64_t>(scale.size()) == tensor.sizes[axis]);
  std::shared_ptr<TensorConstant> result = make_zero_tensor(tensor.name, tensor.dtype, tensor.sizes);
  // The storage was made above and nobody else has seen it: it is not const underneath.
  auto* next = const_cast<std::byte*>(result->storage->data.get());
  const auto inner = static_cast<size_t>(result->strides[axis]);  // elements between one channel and the next
  size_t i = 0;
  for_each_element(tensor, [&](const std::byte* data) {
    const double element = std::get<double>(load_element(tensor.dtype, data));
    store_element(tensor.dtype, next, element * scale[i++ / inner % scale.size()]);
    next += dtype_size(tensor.dtype);
  });
  return result;
}

std::shared_ptr<TensorConstant> make_tensor_constant(std::string name, DType dtype, std::vector<int64_t> sizes,
                                                     std::span<const Element> elements) {
  std::shared_ptr<TensorConstant> tensor = make_zero_tensor(std::move(name), dtype, std::move(sizes));
  TSC_ASSERT(tensor->element_count() == static_cast<int64_t>(elements.size()), "tensor '{}' has {} elements",
             tensor->name, elements.size());
  // The storage was made above and nobody else has seen it: it is not const underneath.
  auto* data = const_cast<std::byte*>(tensor->storage->data.get());
  for (size_t i = 0; i < elements.size(); ++i) {
    store_element(dtype, data + static_cast<int64_t>(i) * dtype_size(dtype), elements[i]);
  }
  return tensor;
}

uint64_t hash_elements(const TensorConstant& tensor) {
  const auto size = static_cast<size_t>(dtype_size(tensor.dtype));
  uint64_t state = 0x243f6a8885a308d3u;
  if (tensor.is_contiguous()) {
    const auto begin = static_cast<size_t>(tensor.offset) * size;
    const size_t bytes = static_cast<size_t>(tensor.element_count()) * size;
    TSC_ASSERT(begin + bytes <= tensor.storage->size, "tensor '{}' leaves its storage", tensor.name);
    return hash_bytes(state, tensor.storage->data.get() + begin, bytes);
  }
  // Packs the elements so that the words are those of the contiguous case.
  std::vector<std::byte> packed;
  packed.reserve(static_cast<size_t>(tensor.element_count()) * size);
  for_each_element(tensor, [&](const std::byte* data) { packed.insert(packed.end(), data, data + size); });
  return hash_bytes(state, packed.data(), packed.size());
}

}  // namespace tsc::ir
