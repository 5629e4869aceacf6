// The engine of pointwise ops: broadcasting, promotion, the checks of in-place writes, and a loop that hands chunks of
// contiguous elements to the op's function. A chunk holds elements of one compute type (element.h), read directly where
// the operand has them so and through a buffer elsewhere, so an op is compiled for at most five types.
#pragma once

#include "runtime/kernels/math.h"
#include "runtime/ops/loop.h"

namespace tsc::ops {

// Computes n results. `inputs` and `output` are arrays of the compute type (of bool for the output of a predicate);
// `numbers` are the op's Scalar operands as the compute type.
using ChunkFunction = void (*)(void* output, const void* const* inputs, i64 n, const void* numbers);

inline constexpr int kMaxInputs = 4;
inline constexpr int kMaxNumbers = 3;

struct PointwiseSpec {
  const char* name;
  ChunkFunction chunk[kComputeCount];  // null where the op does not take the type
  int inputs;
  bool takes_bool;
  bool is_predicate;  // results are bool
  bool wide_numbers;  // numbers keep float precision beside half precision tensors
};

// An op is a struct with
//   static constexpr int kInputs;             tensor operands
//   static constexpr unsigned kTypes;         kBools | kInts | kFloats | kComplexes
//   template <class V> static auto call(const Element<V>* numbers, V a, ...);   V is a vector, a number or a complex
enum : unsigned {
  kBools = 1,
  kInts = 2,
  kFloats = 4,
  kComplexes = 8,
  kWideNumbers = 16,
  kLight = 32,  // less work than to load the operands
};

template <class Op, class V, class... Rest>
TSC_INLINE auto call_op(const Element<V>* numbers, const void* const* inputs, i64 at, Rest... loaded) {
  if constexpr (sizeof...(Rest) == Op::kInputs) {
    return Op::call(numbers, loaded...);
  } else {
    return call_op<Op, V>(numbers, inputs, at, loaded...,
                          load<V>(static_cast<const Element<V>*>(inputs[sizeof...(Rest)]) + at));
  }
}

// Light ops take vectors of 32 bytes at most: longer ones streamed a tenth slower (AVX-512, from L3).
template <class Op, class C>
inline constexpr int kChunkLanes =
    kIsComplex<C> || kLanes == 1
        ? 1
        : ((Op::kTypes & kLight) != 0 ? tsc::min(kLanes, 8) : kLanes) * 4 / static_cast<int>(sizeof(C));

// A ChunkFunction for n a multiple of the vector's lanes: a loop that might end inside one would test for it each time.
template <class Op, class C>
[[gnu::noinline]] void run_vectors(void* output, const void* const* inputs, i64 n, const void* numbers) {
  using V = Vec<C, kChunkLanes<Op, C>>;
  using Result = decltype(call_op<Op, V>(static_cast<const C*>(numbers), inputs, 0));
  Element<Result>* to = static_cast<Element<Result>*>(output);
  const void* from[Op::kInputs];  // copies that no store can change
  for (int k = 0; k < Op::kInputs; ++k) from[k] = inputs[k];
  C held[kMaxNumbers];
  for (int k = 0; k < kMaxNumbers; ++k) held[k] = static_cast<const C*>(numbers)[k];
  TSC_NO_VECTORIZE
  for (i64 i = 0; i < n; i += kLanesOf<V>) store<Result>(to + i, call_op<Op, V>(held, from, i));
}

template <class Op, class C>
void run_chunk(void* output, const void* const* inputs, i64 n, const void* numbers) {
  constexpr int kWidth = kChunkLanes<Op, C>;
  using Result = decltype(call_op<Op, Vec<C, kWidth>>(static_cast<const C*>(numbers), inputs, 0));
  const i64 rest = n % kWidth, whole = n - rest;
  if (whole > 0) run_vectors<Op, C>(output, inputs, whole, numbers);
  if (rest == 0) return;
  C lanes[Op::kInputs][kWidth] = {};
  Element<Result> results[kWidth];
  const void* from[Op::kInputs];
  for (int k = 0; k < Op::kInputs; ++k) {
    from[k] = lanes[k];
    detail::copy_fewer<kWidth>(lanes[k], static_cast<const C*>(inputs[k]) + whole, rest);
  }
  run_vectors<Op, C>(results, from, kWidth, numbers);
  detail::copy_fewer<kWidth>(static_cast<Element<Result>*>(output) + whole, results, rest);
}

template <class Op, class C, bool kTaken>
constexpr ChunkFunction chunk_of() {
  if constexpr (kTaken) {
    return &run_chunk<Op, C>;
  } else {
    return nullptr;
  }
}
template <class Op>
constexpr bool is_predicate() {
  using Sample = Vec<float, 1>;
  if constexpr ((Op::kTypes & kFloats) != 0) {
    return __is_same(decltype(call_op<Op, Sample>(nullptr, nullptr, 0)), bool);
  } else {
    return __is_same(decltype(call_op<Op, i64>(nullptr, nullptr, 0)), bool);
  }
}
template <class Op>
inline constexpr PointwiseSpec kSpec = {
    Op::kName,
    {chunk_of<Op, i64, (Op::kTypes & (kInts | kBools)) != 0>(), chunk_of<Op, float, (Op::kTypes & kFloats) != 0>(),
     chunk_of<Op, double, (Op::kTypes & kFloats) != 0>(),
     chunk_of<Op, Complex<float>, (Op::kTypes & kComplexes) != 0>(),
     chunk_of<Op, Complex<double>, (Op::kTypes & kComplexes) != 0>()},
    Op::kInputs,
    (Op::kTypes & kBools) != 0,
    is_predicate<Op>(),
    (Op::kTypes & kWideNumbers) != 0,
};

// One input of the loop: the tensor, or a slot that holds its only element.
struct LoopInput {
  Tensor tensor;
  alignas(16) char slot[16];
  DType dtype = DType::kUnknown;
  bool is_number = false;
};

// Brings an operand to where the loop can read it: numbers and 0-d tensors are converted to the common dtype ahead, as
// are integers that meet half precision, since both are rounded before the op.
inline void prepare_input(Context& ctx, const PointwiseSpec& spec, const Operand& operand, DType common,
                          LoopInput& input) {
  const bool half = common == DType::kFloat16 || common == DType::kBFloat16;
  if (operand.is_number()) {
    input.is_number = true;
    input.dtype = half && spec.wide_numbers ? DType::kFloat32 : common;
    store_scalar(operand.number(), input.dtype, input.slot);
  } else if (operand.tensor().dtype() != common && operand.dim() == 0) {
    input.is_number = true;
    input.dtype = common;
    convert_row(input.slot, common, 0, operand.tensor().bytes(), operand.dtype(), 0, 1);
  } else {
    input.tensor = half ? converted(ctx, operand.tensor(), common) : operand.tensor();
    input.dtype = input.tensor.dtype();
  }
}

inline bool dtype_taken(Context& ctx, const PointwiseSpec& spec, DType common) {
  const bool taken = common == DType::kBool
                         ? spec.takes_bool
                         : common != DType::kUnknown && spec.chunk[static_cast<int>(compute_of(common))] != nullptr;
  if (!taken) {
    ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", spec.name, scalar_type_name(common));
  }
  return taken;
}

// Runs the chunks of a loop. Buffers of inputs that do not move are filled once; without buffers a row is one chunk.
template <class C>
[[gnu::noinline]] void run_rows(const PointwiseSpec& spec, const Loop& loop, const DType* dtypes, const C* numbers) {
  C buffers[kMaxInputs + 1][kChunk];
  const char* constant[kMaxInputs] = {};  // the element that fills a whole buffer
  const ChunkFunction chunk = spec.chunk[static_cast<int>(compute_of(dtype_of<C>))];
  const DType result = spec.is_predicate ? DType::kBool : dtype_of<C>;
  const auto is_direct = [&](int k, DType dtype) {
    return dtypes[k] == dtype && (loop.strides[k][0] == element_size(dtype) || loop.sizes[0] == 1);
  };
  const bool direct_output = is_direct(0, result);
  bool direct_inputs[kMaxInputs], all_direct = direct_output;
  for (int k = 0; k < spec.inputs; ++k) {
    direct_inputs[k] = is_direct(k + 1, dtype_of<C>);
    all_direct = all_direct && direct_inputs[k];
  }
  const i64 count = all_direct ? loop.sizes[0] : kChunk;
  for_each_row(loop, [&](char* const* at) {
    for (i64 i = 0; i < loop.sizes[0]; i += count) {
      const i64 n = tsc::min(count, loop.sizes[0] - i);
      const void* inputs[kMaxInputs];
      for (int k = 0; k < spec.inputs; ++k) {
        const i64 stride = loop.strides[k + 1][0];
        const char* from = at[k + 1] + i * stride;
        if (direct_inputs[k]) {
          inputs[k] = from;
          continue;
        }
        inputs[k] = buffers[k];
        if (stride == 0) {
          if (constant[k] == from) continue;
          constant[k] = from;
          load_elements(buffers[k], from, dtypes[k + 1], 0, tsc::min(count, loop.sizes[0]));
        } else {
          load_elements(buffers[k], from, dtypes[k + 1], stride, n);
        }
      }
      char* to = at[0] + i * loop.strides[0][0];
      void* output = direct_output ? to : static_cast<void*>(buffers[kMaxInputs]);
      chunk(output, inputs, n, numbers);
      if (direct_output) continue;
      if (spec.is_predicate) {
        convert_row(to, dtypes[0], loop.strides[0][0], static_cast<const char*>(output), DType::kBool, 1, n);
      } else {
        store_elements(static_cast<const C*>(output), to, dtypes[0], loop.strides[0][0], n);
      }
    }
  });
}

// The result's shape and, for in-place ops, the checks on the destination; false when the context has failed.
inline bool pointwise_shape(Context& ctx, const Operand* const* operands, int count, const Tensor* destination,
                            DType result, Shape& shape) {
  shape = Shape(operands[0]->sizes());
  for (int k = 1; k < count; ++k) {
    if (!broadcast(ctx, shape, operands[k]->sizes())) return false;
  }
  if (destination == nullptr) return true;
  if (!can_cast(result, destination->dtype())) {
    ctx.fail(ErrorKind::kRuntime, "result type %s can't be cast to the desired output type %s",
             scalar_type_name(result), scalar_type_name(destination->dtype()));
    return false;
  }
  if (!same_sizes(shape, destination->sizes())) {
    ctx.fail(ErrorKind::kShape, "output with shape %s doesn't match the broadcast shape %s",
             SizesText(destination->sizes()).text, SizesText(shape).text);
    return false;
  }
  return destination_ok(ctx, *destination);
}

// An input that shares memory with the destination, other than being it, is refused where PyTorch refuses it (both
// dense) and copied elsewhere.
inline bool separate_input(Context& ctx, const Tensor& destination, LoopInput& input) {
  if (input.is_number || same_elements(destination, input.tensor) || !may_overlap(destination, input.tensor)) {
    return true;
  }
  if (is_dense(destination) && is_dense(input.tensor)) {
    ctx.fail(ErrorKind::kRuntime,
             "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
             "memory location. Please clone() the tensor before performing the operation.");
    return false;
  }
  input.tensor = contiguous_copy(ctx, input.tensor, input.tensor.dtype());
  return ctx.ok();
}

// Computes in `common`. The result is a new tensor of dtype `result`, or `destination` for an in-place op.
[[gnu::noinline]] inline Tensor run_pointwise(Context& ctx, const PointwiseSpec& spec, DType common, DType result,
                                              const Tensor* destination, const Operand* const* operands,
                                              const Scalar* numbers) {
  Shape shape;
  if (!ctx.ok() || !dtype_taken(ctx, spec, common) ||
      !pointwise_shape(ctx, operands, spec.inputs, destination, result, shape)) {
    return {};
  }
  LoopInput inputs[kMaxInputs];
  LoopBuilder builder(shape);
  Tensor output;
  // A new output takes the inputs' order of dimensions, so the inputs are ordered first.
  LoopBuilder input_order(shape);
  for (int k = 0; k < spec.inputs; ++k) {
    prepare_input(ctx, spec, *operands[k], common, inputs[k]);
    if (destination != nullptr && !separate_input(ctx, *destination, inputs[k])) return {};
    if (!inputs[k].is_number) input_order.add(inputs[k].tensor);
  }
  if (!ctx.ok()) return {};
  if (destination != nullptr) {
    output = *destination;
  } else {
    input_order.order();
    i64 strides[kMaxRank];
    input_order.new_strides(strides);
    output = Tensor::empty_strided(ctx, result, shape, Sizes(strides, shape.rank));
  }
  if (!ctx.ok() || output.numel() == 0) return output;

  DType dtypes[kMaxInputs + 1];
  builder.add(output);
  dtypes[0] = output.dtype();
  for (int k = 0; k < spec.inputs; ++k) {
    if (inputs[k].is_number) {
      builder.add_number(inputs[k].slot);
    } else {
      builder.add(inputs[k].tensor);
    }
    dtypes[k + 1] = inputs[k].dtype;
  }
  builder.order();
  with_compute(compute_of(common), [&]<class C>() {
    C values[kMaxNumbers];
    for (int k = 0; k < kMaxNumbers; ++k) values[k] = scalar_as<C>(numbers[k]);
    parallel_loop(ctx, builder.finish(), [&](const Loop& part) { run_rows(spec, part, dtypes, values); });
  });
  return output;
}

template <class Op, class... T>
Tensor pointwise(Context& ctx, DType common, DType result, const Tensor* destination, const Scalar (&numbers)[3],
                 const T&... operands) {
  static_assert(sizeof...(T) == Op::kInputs);
  const Operand* const list[] = {&operands...};
  return run_pointwise(ctx, kSpec<Op>, common, result, destination, list, numbers);
}

}  // namespace tsc::ops
