// Attention, and the fused layers that nn.TransformerEncoder and nn.MultiheadAttention use in evaluation.
#pragma once

#include "runtime/ops/contraction.h"
#include "runtime/ops/movement.h"
#include "runtime/ops/normalisation.h"
#include "runtime/ops/random.h"

namespace tsc::ops {

// A mask to add to scores: a bool one (true: take part) becomes 0 and minus infinity.
inline Tensor additive_mask(Context& ctx, const Tensor& mask, DType dtype) {
  if (mask.dtype() != DType::kBool) return converted(ctx, mask, dtype);
  const Tensor zeros = filled(ctx, mask.sizes(), dtype, 0);
  return masked_fill(ctx, zeros, logical_not(ctx, mask), -__builtin_inf());
}
// Softmax of scores; a row that is all masked gives zeros.
inline Tensor safe_softmax(Context& ctx, const Tensor& scores) {
  const Tensor p = softmax(ctx, scores, -1);
  if (!ctx.ok() || scores.numel() == 0) return p;
  const Tensor masked = eq(ctx, amax(ctx, scores, List<i64>::of(ctx, i64{-1}), true), -__builtin_inf());
  return masked_fill(ctx, p, masked, 0);
}
inline Tensor scaled_dot_product_attention(Context& ctx, const Tensor& query, const Tensor& key, const Tensor& value,
                                           const Optional<Tensor>& attn_mask = None(), double dropout_p = 0,
                                           bool is_causal = false, const Optional<double>& scale = None(),
                                           bool enable_gqa = false) {
  if (!ctx.ok()) return {};
  if (query.dim() < 2 || key.dim() < 2 || value.dim() < 2) {
    return ctx.fail(
        ErrorKind::kRuntime,
        "scaled_dot_product_attention: Expected query, key, and value to all be  at least 2 dimensional, but "
        "got query.dim(): %lld, key.dim(): %lld and value.dim(): %lld instead.",
        static_cast<long long>(query.dim()), static_cast<long long>(key.dim()), static_cast<long long>(value.dim()));
  }
  if (query.dtype() != key.dtype() || query.dtype() != value.dtype()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Expected query, key, and value to have the same dtype, but got query.dtype: %s key.dtype: %s and "
                    "value.dtype: %s instead.",
                    dtype_name(query.dtype()), dtype_name(key.dtype()), dtype_name(value.dtype()));
  }
  if (is_causal && attn_mask.has_value()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
  }
  const DType wide = wide_dtype(query.dtype());
  const Tensor q = converted(ctx, query, wide);
  Tensor k = converted(ctx, key, wide), v = converted(ctx, value, wide);
  if (enable_gqa && q.dim() > 2 && k.dim() > 2 && v.dim() > 2) {
    const auto heads = [](const Tensor& t) { return t.size(t.dim() - 3); };
    if (heads(k) == 0 || heads(v) == 0 || heads(q) % heads(k) != 0 || heads(q) % heads(v) != 0) {
      return ctx.fail(ErrorKind::kRuntime, "the number of heads in key and value must divide that of query");
    }
    k = repeat_interleave(ctx, k, heads(q) / heads(k), k.dim() - 3);
    v = repeat_interleave(ctx, v, heads(q) / heads(v), v.dim() - 3);
  }
  if (!ctx.ok()) return {};
  const i64 width = q.size(q.dim() - 1);
  const double factor = scale.value_or(1.0 / __builtin_sqrt(static_cast<double>(width)));
  Tensor scores = matmul(ctx, mul(ctx, q, factor), transpose(ctx, k, -2, -1));
  if (is_causal && ctx.ok()) {
    const i64 rows = q.size(q.dim() - 2), columns = k.size(k.dim() - 2);
    const Tensor hidden = triu(ctx, filled(ctx, dims(rows, columns), DType::kBool, true), 1);
    scores = masked_fill(ctx, scores, hidden, -__builtin_inf());
  }
  if (attn_mask.has_value()) scores = add(ctx, scores, additive_mask(ctx, *attn_mask, wide), 1);
  Tensor p = safe_softmax(ctx, scores);
  if (dropout_p > 0) p = dropout(ctx, p, dropout_p, true);
  return converted(ctx, matmul(ctx, p, v), query.dtype());
}

// Attention as programs spell it, with plain softmax: a row that is all masked gives NaN.
inline Tensor softmax_attention(Context& ctx, const Tensor& query, const Tensor& key, const Tensor& value,
                                const Optional<Tensor>& mask, double scale) {
  if (!ctx.ok()) return {};
  Tensor scores = mul(ctx, matmul(ctx, query, transpose(ctx, key, -2, -1)), scale);
  if (mask.has_value()) scores = add(ctx, scores, *mask, 1);
  return matmul(ctx, softmax(ctx, scores, -1), value);
}

// Kinds of masks of the fused layers. Here an element that is true, or not 0, is left out of the attention.
enum MaskType : i64 { kSourceMask = 0, kPaddingMask = 1, kGenericMask = 2 };

// The mask as something to add to scores [batch][heads][rows][columns].
inline Tensor layer_mask(Context& ctx, const Tensor& mask, const Optional<i64>& mask_type, DType dtype) {
  if (!ctx.ok()) return {};
  Tensor shaped = mask;
  if (mask.dim() == 2 && mask_type.value_or(kGenericMask) == kPaddingMask) {
    shaped = unsqueeze(ctx, unsqueeze(ctx, mask, 1), 1);  // [batch][columns]
  } else if (mask.dim() == 3) {
    shaped = unsqueeze(ctx, mask, 1);
  }
  return additive_mask(ctx, logical_not(ctx, shaped), dtype);
}

// Projected queries, keys and values [batch][heads][rows][width].
inline Tensor heads_of(Context& ctx, const Tensor& projected, i64 heads) {
  if (!ctx.ok()) return {};
  const i64 batch = projected.size(0), rows = projected.size(1), width = projected.size(2) / heads;
  return transpose(ctx, reshape_to(ctx, projected, Shape(dims(batch, rows, heads, width))), 1, 2);
}
struct AttentionResult {
  Tensor output, weights;  // weights [batch][heads][rows][columns]
};
inline AttentionResult multi_head_attention(Context& ctx, const Tensor& query, const Tensor& key, const Tensor& value,
                                            i64 embed_dim, i64 heads, const Tensor& qkv_weight, const Tensor& qkv_bias,
                                            const Tensor& proj_weight, const Tensor& proj_bias,
                                            const Optional<Tensor>& mask, const Optional<i64>& mask_type) {
  if (!ctx.ok()) return {};
  if (query.dim() != 3 || key.dim() != 3 || value.dim() != 3 || heads <= 0 || embed_dim % heads != 0 ||
      query.size(2) != embed_dim || qkv_weight.dim() != 2 || qkv_weight.size(0) != 3 * embed_dim ||
      qkv_bias.numel() != 3 * embed_dim) {
    ctx.fail(ErrorKind::kShape,
             "native_multi_head_attention: expected query, key, value [batch, rows, %lld] and weights for %lld heads",
             static_cast<long long>(embed_dim), static_cast<long long>(heads));
    return {};
  }
  const Tensor inputs[] = {query, key, value};
  Tensor parts[3];
  for (i64 i = 0; i < 3; ++i) {
    const Tensor weight = slice(ctx, qkv_weight, 0, i * embed_dim, (i + 1) * embed_dim, 1);
    const Tensor bias = slice(ctx, qkv_bias, 0, i * embed_dim, (i + 1) * embed_dim, 1);
    parts[i] = heads_of(ctx, linear(ctx, inputs[i], weight, bias), heads);
  }
  const double factor = 1.0 / __builtin_sqrt(static_cast<double>(embed_dim / heads));
  Tensor scores = matmul(ctx, mul(ctx, parts[0], factor), transpose(ctx, parts[1], -2, -1));
  if (mask.has_value()) scores = add(ctx, scores, layer_mask(ctx, *mask, mask_type, query.dtype()), 1);
  const Tensor weights = softmax(ctx, scores, -1);
  const Tensor context = transpose(ctx, matmul(ctx, weights, parts[2]), 1, 2);
  const Tensor joined = reshape_to(ctx, context, Shape(dims(query.size(0), query.size(1), embed_dim)));
  return {linear(ctx, joined, proj_weight, proj_bias), weights};
}
// Whether all are of one half precision: then a layer is computed in float and rounded once, at its end.
template <class... Others>
bool widens(Context& ctx, const Tensor& first, const Others&... others) {
  return ctx.ok() && is_half(first) && ((others.dtype() == first.dtype()) && ...);
}
inline Tuple<Tensor, Tensor> native_multi_head_attention(Context& ctx, const Tensor& query, const Tensor& key,
                                                         const Tensor& value, i64 embed_dim, i64 num_head,
                                                         const Tensor& qkv_weight, const Tensor& qkv_bias,
                                                         const Tensor& proj_weight, const Tensor& proj_bias,
                                                         const Optional<Tensor>& mask = None(),
                                                         bool need_weights = true, bool average_attn_weights = true,
                                                         const Optional<i64>& mask_type = None()) {
  if (widens(ctx, query, key, value, qkv_weight, qkv_bias, proj_weight, proj_bias)) {
    const auto wide = [&](const Tensor& t) { return in_float(ctx, t); };
    const Tuple<Tensor, Tensor> r = native_multi_head_attention(
        ctx, wide(query), wide(key), wide(value), embed_dim, num_head, wide(qkv_weight), wide(qkv_bias),
        wide(proj_weight), wide(proj_bias), mask, need_weights, average_attn_weights, mask_type);
    const Tensor weights = r.get<1>();
    return {converted(ctx, r.get<0>(), query.dtype()),
            weights.defined() ? converted(ctx, weights, query.dtype()) : weights};
  }
  const AttentionResult r = multi_head_attention(ctx, query, key, value, embed_dim, num_head, qkv_weight, qkv_bias,
                                                 proj_weight, proj_bias, mask, mask_type);
  if (!need_weights || !ctx.ok()) return {r.output, Tensor()};
  return {r.output, average_attn_weights ? mean_over(ctx, r.weights, DimMask{2}, false, None()) : r.weights};
}

inline Tensor transformer_encoder_layer_fwd(
    Context& ctx, const Tensor& src, i64 embed_dim, i64 num_heads, const Tensor& qkv_weight, const Tensor& qkv_bias,
    const Tensor& proj_weight, const Tensor& proj_bias, bool use_gelu, bool norm_first, double eps,
    const Tensor& norm_weight_1, const Tensor& norm_bias_1, const Tensor& norm_weight_2, const Tensor& norm_bias_2,
    const Tensor& ffn_weight_1, const Tensor& ffn_bias_1, const Tensor& ffn_weight_2, const Tensor& ffn_bias_2,
    const Optional<Tensor>& mask = None(), const Optional<i64>& mask_type = None()) {
  if (!ctx.ok()) return {};
  if (widens(ctx, src, qkv_weight, qkv_bias, proj_weight, proj_bias, norm_weight_1, norm_bias_1, norm_weight_2,
             norm_bias_2, ffn_weight_1, ffn_bias_1, ffn_weight_2, ffn_bias_2)) {
    const auto wide = [&](const Tensor& t) { return in_float(ctx, t); };
    const Tensor result = transformer_encoder_layer_fwd(
        ctx, wide(src), embed_dim, num_heads, wide(qkv_weight), wide(qkv_bias), wide(proj_weight), wide(proj_bias),
        use_gelu, norm_first, eps, wide(norm_weight_1), wide(norm_bias_1), wide(norm_weight_2), wide(norm_bias_2),
        wide(ffn_weight_1), wide(ffn_bias_1), wide(ffn_weight_2), wide(ffn_bias_2), mask, mask_type);
    return converted(ctx, result, src.dtype());
  }
  const List<i64> shape = List<i64>::of(ctx, embed_dim);
  const auto norm_1 = [&](const Tensor& x) { return layer_norm(ctx, x, shape, norm_weight_1, norm_bias_1, eps, true); };
  const auto norm_2 = [&](const Tensor& x) { return layer_norm(ctx, x, shape, norm_weight_2, norm_bias_2, eps, true); };
  const auto attend = [&](const Tensor& x) {
    return multi_head_attention(ctx, x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, mask,
                                mask_type)
        .output;
  };
  const auto feed_forward = [&](const Tensor& x) {
    const Tensor hidden = linear(ctx, x, ffn_weight_1, ffn_bias_1);
    return linear(ctx, use_gelu ? gelu(ctx, hidden, "none") : relu(ctx, hidden), ffn_weight_2, ffn_bias_2);
  };
  if (norm_first) {
    const Tensor x = add(ctx, src, attend(norm_1(src)), 1);
    return add(ctx, x, feed_forward(norm_2(x)), 1);
  }
  const Tensor x = norm_1(add(ctx, src, attend(src), 1));
  return norm_2(add(ctx, x, feed_forward(x), 1));
}

}  // namespace tsc::ops
