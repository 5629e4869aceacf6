#include "compiler/ir/type.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include "compiler/ir/assert.h"

namespace tsc::ir {
namespace {

enum class Category : uint8_t { kBool, kInteger, kFloat, kComplex };

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::string_view torch_name;
  std::string_view cpp_name;
  int64_t size;
  Category category;
};

constexpr DTypeRow kDTypes[] = {
    {DType::kUInt8, "u8", "uint8", "uint8_t", 1, Category::kInteger},
    {DType::kInt8, "i8", "int8", "int8_t", 1, Category::kInteger},
    {DType::kInt16, "i16", "int16", "int16_t", 2, Category::kInteger},
    {DType::kInt32, "i32", "int32", "int32_t", 4, Category::kInteger},
    {DType::kInt64, "i64", "int64", "int64_t", 8, Category::kInteger},
    {DType::kFloat16, "f16", "float16", "tsc::Half", 2, Category::kFloat},
    {DType::kFloat32, "f32", "float32", "float", 4, Category::kFloat},
    {DType::kFloat64, "f64", "float64", "double", 8, Category::kFloat},
    {DType::kComplex32, "c32", "complex32", "tsc::Complex<tsc::Half>", 4, Category::kComplex},
    {DType::kComplex64, "c64", "complex64", "tsc::Complex<float>", 8, Category::kComplex},
    {DType::kComplex128, "c128", "complex128", "tsc::Complex<double>", 16, Category::kComplex},
    {DType::kBool, "bool", "bool", "bool", 1, Category::kBool},
    {DType::kBFloat16, "bf16", "bfloat16", "tsc::BFloat16", 2, Category::kFloat},
};

const DTypeRow* find_row(DType dtype) {
  const auto* row =
      std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const DTypeRow& r) { return r.dtype == dtype; });
  return row == std::end(kDTypes) ? nullptr : row;
}

bool is_category(DType dtype, Category category) {
  const DTypeRow* row = find_row(dtype);
  return row && row->category == category;
}

DType promote_integers(DType a, DType b) {
  const int64_t size_a = dtype_size(a), size_b = dtype_size(b);
  // Of equal size and yet different: uint8 and int8, which only int16 holds.
  if (size_a == size_b) return DType::kInt16;
  return size_a > size_b ? a : b;
}

DType promote_floats(DType a, DType b) {
  const int64_t size_a = dtype_size(a), size_b = dtype_size(b);
  // Of equal size and yet different: float16 and bfloat16.
  if (size_a == size_b) return DType::kFloat32;
  return size_a > size_b ? a : b;
}

// Type kinds and their text; containers take their elements in brackets, classes a number after a dot.
enum class Syntax : uint8_t { kWord, kElements, kClass };
struct KindRow {
  Type::Kind kind;
  std::string_view name;
  Syntax syntax;
};
constexpr KindRow kKinds[] = {
    {Type::Kind::kInt, "int", Syntax::kWord},
    {Type::Kind::kFloat, "float", Syntax::kWord},
    {Type::Kind::kBool, "bool", Syntax::kWord},
    {Type::Kind::kComplex, "complex", Syntax::kWord},
    {Type::Kind::kNumber, "number", Syntax::kWord},
    {Type::Kind::kStr, "str", Syntax::kWord},
    {Type::Kind::kNone, "none", Syntax::kWord},
    {Type::Kind::kDevice, "device", Syntax::kWord},
    {Type::Kind::kGenerator, "generator", Syntax::kWord},
    {Type::Kind::kList, "list", Syntax::kElements},
    {Type::Kind::kDict, "dict", Syntax::kElements},
    {Type::Kind::kTuple, "tuple", Syntax::kElements},
    {Type::Kind::kOptional, "optional", Syntax::kElements},
    {Type::Kind::kUnion, "union", Syntax::kElements},
    {Type::Kind::kFuture, "future", Syntax::kElements},
    {Type::Kind::kClass, "class", Syntax::kClass},
    {Type::Kind::kEnum, "enum", Syntax::kClass},
    {Type::Kind::kInterface, "interface", Syntax::kClass},
    {Type::Kind::kFunction, "function", Syntax::kWord},
    {Type::Kind::kAny, "any", Syntax::kWord},
};

std::string tensor_text(const TensorType& tensor) {
  std::string text(dtype_name(tensor.dtype));
  text += '[';
  if (!tensor.rank_known) text += '*';
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    if (i > 0) text += ", ";
    text += tensor.dims[i].str();
  }
  text += ']';
  if (tensor.layout.kind == Layout::Kind::kBlocked) {
    text += fmt::format("{{block={}, halo={}}}", tensor.layout.block, tensor.layout.halo);
  }
  return text;
}

// Parses a type at the front of `text_`, recursively.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}
  std::string_view rest() const { return text_; }

  std::optional<Type> type(int depth = 0) {
    constexpr int kMaxDepth = 100;
    if (depth > kMaxDepth) return std::nullopt;
    const std::string_view name = word();
    if (text_.starts_with("[") && (name == "?" || parse_dtype(name))) return tensor(parse_dtype(name));
    const auto* row =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindRow& r) { return r.name == name; });
    if (row == std::end(kKinds)) return std::nullopt;
    switch (row->syntax) {
      case Syntax::kWord:
        return Type::make(row->kind);
      case Syntax::kElements:
        return container(row->kind, depth);
      case Syntax::kClass:
        return class_type(row->kind);
    }
    return std::nullopt;
  }

 private:
  void skip_space() {
    while (!text_.empty() && text_[0] == ' ') text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  std::string_view word() {
    skip_space();
    size_t length = 0;
    while (length < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[length])) || text_[length] == '_')) {
      ++length;
    }
    if (length == 0 && text_.starts_with("?")) length = 1;
    const std::string_view result = text_.substr(0, length);
    text_.remove_prefix(length);
    return result;
  }
  std::optional<int64_t> number() {
    skip_space();
    int64_t value = 0;
    const auto result = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (result.ec != std::errc() || value < 0 || value > INT32_MAX) return std::nullopt;
    text_.remove_prefix(static_cast<size_t>(result.ptr - text_.data()));
    return value;
  }

  std::optional<Type> tensor(std::optional<DType> dtype) {
    Type result = Type::make_tensor(dtype.value_or(DType::kUnknown));
    take("[");
    if (take("*")) {
      if (!take("]")) return std::nullopt;
      return result;
    }
    result.tensor.rank_known = true;
    while (!take("]")) {
      if (!result.tensor.dims.empty() && !take(",")) return std::nullopt;
      std::optional<Dim> dim = Dim::consume(text_);
      if (!dim) return std::nullopt;
      result.tensor.dims.push_back(std::move(*dim));
    }
    if (!text_.starts_with("{block=")) return result;
    take("{block=");
    const auto block = number();
    if (!block || !take(",") || !take("halo=")) return std::nullopt;
    const auto halo = number();
    if (!halo || !take("}")) return std::nullopt;
    result.tensor.layout = {Layout::Kind::kBlocked, static_cast<int32_t>(*block), static_cast<int32_t>(*halo)};
    return result;
  }

  std::optional<Type> container(Type::Kind kind, int depth) {
    Type result = Type::make(kind);
    if (kind == Type::Kind::kTuple && text_.starts_with(".")) {
      take(".");
      const auto id = number();
      if (!id) return std::nullopt;
      result.class_id = static_cast<ClassId>(*id + 1);
    }
    if (!take("[")) return std::nullopt;
    while (!take("]")) {
      if (!result.elements.empty() && !take(",")) return std::nullopt;
      if (kind == Type::Kind::kTuple) take_field_name(result);
      std::optional<Type> element = type(depth + 1);
      if (!element) return std::nullopt;
      result.elements.push_back(std::move(*element));
    }
    return has_right_arity(result) ? std::optional(result) : std::nullopt;
  }
  void take_field_name(Type& tuple) {
    const std::string_view before = text_;
    const std::string_view name = word();
    if (!name.empty() && take(":")) {
      tuple.names.emplace_back(name);
    } else {
      text_ = before;
    }
  }
  static bool has_right_arity(const Type& type) {
    const size_t count = type.elements.size();
    switch (type.kind) {
      case Type::Kind::kList:
      case Type::Kind::kOptional:
      case Type::Kind::kFuture:
        return count == 1;
      case Type::Kind::kDict:
        return count == 2;
      case Type::Kind::kTuple:
        return type.names.empty() || type.names.size() == count;
      default:
        return true;
    }
  }
  std::optional<Type> class_type(Type::Kind kind) {
    if (!take(".")) return std::nullopt;
    const auto id = number();
    if (!id) return std::nullopt;
    Type result = Type::make(kind);
    result.class_id = static_cast<ClassId>(*id);
    return result;
  }

  std::string_view text_;
};

TensorType join_tensors(const TensorType& a, const TensorType& b, const std::function<Dim()>& fresh_dim) {
  TensorType result;
  if (a.dtype == b.dtype) result.dtype = a.dtype;
  if (!a.rank_known || !b.rank_known || a.dims.size() != b.dims.size()) return result;
  result.rank_known = true;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    result.dims.push_back(a.dims[i] == b.dims[i] ? a.dims[i] : fresh_dim());
  }
  if (a.layout == b.layout) result.layout = a.layout;
  return result;
}

bool is_number(Type::Kind kind) {
  return kind == Type::Kind::kInt || kind == Type::Kind::kFloat || kind == Type::Kind::kBool ||
         kind == Type::Kind::kComplex || kind == Type::Kind::kNumber;
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  const DTypeRow* row = find_row(dtype);
  return row ? row->name : "?";
}

std::string_view dtype_torch_name(DType dtype) {
  const DTypeRow* row = find_row(dtype);
  return row ? row->torch_name : "unknown";
}

std::string_view dtype_cpp_name(DType dtype) {
  const DTypeRow* row = find_row(dtype);
  TSC_ASSERT(row, "dtype {} has no C++ type", static_cast<int>(dtype));
  return row->cpp_name;
}

std::optional<DType> parse_dtype(std::string_view text) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == text || row.torch_name == text) return row.dtype;
  }
  return std::nullopt;
}

int64_t dtype_size(DType dtype) {
  const DTypeRow* row = find_row(dtype);
  return row ? row->size : 0;
}

bool is_floating(DType dtype) { return is_category(dtype, Category::kFloat); }
bool is_complex(DType dtype) { return is_category(dtype, Category::kComplex); }
bool is_integral(DType dtype) { return is_category(dtype, Category::kInteger); }

DType real_of(DType dtype) {
  switch (dtype) {
    case DType::kComplex32:
      return DType::kFloat16;
    case DType::kComplex64:
      return DType::kFloat32;
    case DType::kComplex128:
      return DType::kFloat64;
    default:
      return dtype;
  }
}

DType complex_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return DType::kComplex32;
    case DType::kFloat32:
      return DType::kComplex64;
    case DType::kFloat64:
      return DType::kComplex128;
    default:
      return dtype;
  }
}

DType promote(DType a, DType b) {
  const DTypeRow* row_a = find_row(a);
  const DTypeRow* row_b = find_row(b);
  if (!row_a || !row_b) return DType::kUnknown;
  if (a == b) return a;
  const auto [low, high] = std::minmax(row_a->category, row_b->category);
  if (high == Category::kComplex) {
    const DType real_a = real_of(a), real_b = real_of(b);
    if (low == Category::kComplex) return dtype_size(a) > dtype_size(b) ? a : b;
    if (low != Category::kFloat) return row_a->category == Category::kComplex ? a : b;
    const DType real = real_a == real_b ? real_a : promote_floats(real_a, real_b);
    return is_complex(complex_of(real)) ? complex_of(real) : DType::kComplex64;
  }
  if (low != high) return row_a->category == high ? a : b;
  return high == Category::kFloat ? promote_floats(a, b) : promote_integers(a, b);
}

Type Type::make(Kind kind, std::vector<Type> elements) {
  Type type;
  type.kind = kind;
  type.elements = std::move(elements);
  return type;
}

Type Type::make_tensor(DType dtype) {
  Type type;
  type.kind = Kind::kTensor;
  type.tensor.dtype = dtype;
  return type;
}

Type Type::make_tensor(DType dtype, std::vector<Dim> dims) {
  Type type = make_tensor(dtype);
  type.tensor.rank_known = true;
  type.tensor.dims = std::move(dims);
  return type;
}

std::string Type::str() const {
  if (kind == Kind::kTensor) return tensor_text(tensor);
  const auto* row =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindRow& r) { return r.kind == kind; });
  TSC_ASSERT(row != std::end(kKinds), "type kind {} has no name", static_cast<int>(kind));
  std::string text(row->name);
  if (row->syntax == Syntax::kClass) return text + "." + std::to_string(class_id);
  if (row->syntax == Syntax::kWord) return text;
  // A NamedTuple's class tells its name; class_id is one more, so that 0 is a tuple of no class.
  if (kind == Kind::kTuple && class_id != 0) text += "." + std::to_string(class_id - 1);
  text += '[';
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) text += ", ";
    if (i < names.size()) text += names[i] + ": ";
    text += elements[i].str();
  }
  return text + ']';
}

std::optional<Type> Type::consume(std::string_view& text) {
  TypeParser parser(text);
  std::optional<Type> result = parser.type();
  if (result) text = parser.rest();
  return result;
}

std::optional<Type> Type::parse(std::string_view text) {
  std::optional<Type> result = consume(text);
  if (!text.empty()) return std::nullopt;
  return result;
}

Type join(const Type& a, const Type& b, const std::function<Dim()>& fresh_dim) {
  using Kind = Type::Kind;
  if (a == b) return a;
  if (a.is_tensor() && b.is_tensor()) {
    Type result = a;
    result.tensor = join_tensors(a.tensor, b.tensor, fresh_dim);
    return result;
  }
  if (a.kind == b.kind && !a.elements.empty() && a.elements.size() == b.elements.size() && a.kind != Kind::kUnion) {
    Type result = a;
    for (size_t i = 0; i < a.elements.size(); ++i) {
      result.elements[i] = join(a.elements[i], b.elements[i], fresh_dim);
    }
    if (a.names != b.names) result.names.clear();
    if (result.names.empty() || a.class_id != b.class_id) result.class_id = 0;
    return result;
  }
  if (a.is(Kind::kNone)) return b.is(Kind::kOptional) || b.is(Kind::kAny) ? b : Type::optional(b);
  if (b.is(Kind::kNone)) return a.is(Kind::kOptional) || a.is(Kind::kAny) ? a : Type::optional(a);
  if (a.is(Kind::kOptional)) return Type::optional(join(a.elements[0], b, fresh_dim));
  if (b.is(Kind::kOptional)) return Type::optional(join(a, b.elements[0], fresh_dim));
  if (is_number(a.kind) && is_number(b.kind)) return Type::make(Kind::kNumber);
  return Type::make(Kind::kAny);
}

}  // namespace tsc::ir
