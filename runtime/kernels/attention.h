// Scaled dot product attention, in float, for each batch and head:
//
//   output[i] = epilogue(sum over j of softmax over j of (scale * query[i] . key[j] + mask[i][j]) * value[j])
//
//   attention<MR, NV>(p, query, key, value, mask, output, epilogue, scratch, begin, end)
//
// Rows of query, key, value and output are contiguous (depth or value_depth floats); everything else is strided, so
// that heads may lie within rows. `mask` is NoMask{}, a const float* that is added, or a const bool* whose false
// removes a key; its strides may be 0. With kCausal query i sees keys 0..i. A query that sees no key gets 0. The
// epilogue gets Position{offset in the output, column}.
//
// Work items are (batch, head, block of MR queries): attention_work_items<MR, NV>(p). Each thread needs
// attention_scratch_bytes<MR, NV>(p) bytes of scratch memory, 64-byte aligned.
//
// Per block of MR queries: scores [MR][keys] by register tiles of MR x NV vectors (see gemm.h; the same tiles serve
// both products), softmax in place, the product with value of what exp gave, and the division by the sum as that is
// stored. Keys are packed to panels [depth][NV * kLanes] once per head. NV is best tile_vectors(value_depth)
// and MR kTileRows<NV> (tile.h). The scores of a block stay in the second-level cache for up to some ten thousand keys.
#pragma once

#include "runtime/kernels/gemm.h"
#include "runtime/kernels/pointwise.h"
#include "runtime/kernels/tile.h"

namespace tsc::kernels {

enum class Visibility { kAllKeys, kCausal };

struct Attention {
  i64 batch = 1, heads = 1, queries = 0, keys = 0;
  i64 depth = 0, value_depth = 0;
  i64 head_group = 1;  // query heads that share a head of key and value
  i64 query_batch = 0, query_head = 0, query_row = 0;
  i64 key_batch = 0, key_head = 0, key_row = 0;
  i64 value_batch = 0, value_head = 0, value_row = 0;
  i64 output_batch = 0, output_head = 0, output_row = 0;
  i64 mask_batch = 0, mask_head = 0, mask_query = 0, mask_key = 0;
  float scale = 1;
  Visibility visibility = Visibility::kAllKeys;
};

struct NoMask {};

namespace detail {

template <int NV>
constexpr i64 key_panels(const Attention& p) {
  return ceil_div(p.keys, NV * kLanes);
}
// A row of scores ends in a vector more than it needs, so that rows don't all start in one set of the cache.
template <int NV>
constexpr i64 score_row(const Attention& p) {
  return (key_panels<NV>(p) * NV + 1) * kLanes;
}
// Columns of a copy of value, which is made where its rows are not whole vectors.
constexpr i64 copied_value_columns(const Attention& p) {
  return p.value_depth % kLanes == 0 ? 0 : round_up(p.value_depth, kLanes);
}
// Few queries do not pay for packing the keys.
constexpr bool packs_keys(const Attention& p) { return p.queries > 2; }

// The mask of one block of queries.
template <class T>
struct BlockMask {
  const T* data;
  i64 row;
  i64 key;

  TSC_INLINE VecF apply(VecF score, i64 r, i64 i, i64 lanes) const {
    const T* at = data + r * row;
    const Source<T> source = Source<T>::at(at, key);
    const auto mask = lanes == kLanes ? source.vector(i) : source.tail(i, lanes);
    if constexpr (kSame<T, bool>) {
      return select(mask, score, splat<VecF>(-kInfinity));
    } else {
      return score + mask;
    }
  }
};
template <>
struct BlockMask<NoMask> {
  TSC_INLINE VecF apply(VecF score, i64, i64, i64) const { return score; }
};

TSC_INLINE BlockMask<NoMask> block_mask(const Attention&, NoMask, i64, i64, i64) { return {}; }
template <class T>
TSC_INLINE BlockMask<T> block_mask(const Attention& p, const T* mask, i64 batch, i64 head, i64 query) {
  return {mask + batch * p.mask_batch + head * p.mask_head + query * p.mask_query, p.mask_query, p.mask_key};
}

// Turns kRows rows of scores into exp(score * scale + mask - maximum) and returns 1 / their sums. Row r sees `limit`
// keys and, in a causal block, min(limit, first + r + 1); what follows up to `limit` becomes 0.
template <int kRows, class M>
inline void softmax_scores(const Attention& p, float* scores, i64 row, const BlockMask<M>& mask, i64 first, i64 limit,
                           float* inverse) {
  using Index = Bits<VecF>;
  i64 visible[kRows];
  VecF maximum[kRows], sum[kRows];
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) {
    visible[r] = p.visibility == Visibility::kCausal ? smaller(limit, first + r + 1) : limit;
    maximum[r] = splat<VecF>(-kInfinity);
    sum[r] = splat<VecF>(0);
  }
  const VecF scale = splat<VecF>(p.scale);
  for (i64 i = 0; i < limit; i += kLanes) {
    const i64 lanes = smaller(kLanes, limit - i);
    TSC_UNROLL
    for (int r = 0; r < kRows; ++r) {
      float* at = scores + r * row + i;
      VecF x = mask.apply(load<VecF>(at) * scale, r, i, lanes);
      if (i + kLanes > visible[r]) {
        const Index left = splat<Index>(static_cast<int32_t>(visible[r] - i));
        x = select(less(lane_indices<Index>(), left), x, splat<VecF>(-kInfinity));
      }
      maximum[r] = max(maximum[r], x);
      store(at, x);
    }
  }
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const float highest = horizontal_max(maximum[r]);
    maximum[r] = splat<VecF>(highest == -kInfinity ? 0.0f : highest);
  }
  for (i64 i = 0; i < limit; i += kLanes) {
    TSC_UNROLL
    for (int r = 0; r < kRows; ++r) {
      float* at = scores + r * row + i;
      const VecF e = math::exp_flushed(load<VecF>(at) - maximum[r]);
      sum[r] += e;
      store(at, e);
    }
  }
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const float total = horizontal_sum(sum[r]);
    inverse[r] = total == 0.0f ? 0.0f : 1.0f / total;
  }
}

// Key and value of one head as the products want them.
struct PreparedHead {
  const float* key_panels;
  const float* value;
  i64 value_row;
};

template <int NV>
inline PreparedHead prepare_head(const Attention& p, const float* key, const float* value, float* scratch) {
  constexpr i64 kWidth = NV * kLanes;
  PreparedHead head = {scratch, value, p.value_row};
  if (packs_keys(p)) {
    for (i64 panel = 0; panel < key_panels<NV>(p); ++panel) {
      const i64 first = panel * kWidth;
      pack_panel<kWidth>(key + first * p.key_row, p.depth, smaller(kWidth, p.keys - first), 1, p.key_row,
                         scratch + first * p.depth);
    }
    scratch += key_panels<NV>(p) * kWidth * p.depth;
  }
  if (const i64 columns = copied_value_columns(p); columns != 0) {
    for (i64 j = 0; j < p.keys; ++j) {
      for (i64 c = 0; c < columns; ++c)
        scratch[j * columns + c] = c < p.value_depth ? value[j * p.value_row + c] : 0.0f;
    }
    head.value = scratch;
    head.value_row = columns;
  }
  return head;
}

// scores[rows][limit] = query . key.
template <int MR, int NV>
TSC_INLINE void score_block(const Attention& p, const float* query, const float* key, const PreparedHead& head,
                            i64 rows, i64 limit, float* scores) {
  constexpr i64 kWidth = NV * kLanes;
  if (!packs_keys(p)) {
    for (i64 r = 0; r < rows; ++r) {
      dot_columns(query + r * p.query_row, key, p.key_row, p.depth, limit, scores + r * score_row<NV>(p));
    }
    return;
  }
  ProductTile tile = {.depth = p.depth, .a = query, .a_row = p.query_row, .b_depth = kWidth};
  tile.output_row = score_row<NV>(p);
  tile.output_vector = kLanes;
  for (i64 first = 0; first < limit; first += kWidth) {
    tile.b = head.key_panels + first * p.depth;
    tile.output = scores + first;
    product_rows<MR, NV>(rows, tile);
  }
}

// output[rows][value_depth] = scores * value, each row times `factor`.
template <int MR, int NV, class Epilogue>
TSC_INLINE void weigh_values(const Attention& p, const float* scores, const PreparedHead& head, i64 rows, i64 limit,
                             const float* factor, float* output, i64 offset, const Epilogue& epilogue) {
  constexpr i64 kWidth = NV * kLanes;
  alignas(64) float sums[MR * kWidth];
  ProductTile tile = {.depth = limit, .a = scores, .a_row = score_row<NV>(p), .b_depth = head.value_row};
  tile.output = sums;
  tile.output_row = kWidth;
  tile.output_vector = kLanes;
  for (i64 column = 0; column < p.value_depth;) {
    const bool whole = column + kWidth <= p.value_depth;
    const i64 columns = smaller(whole ? kWidth : kLanes, p.value_depth - column);
    tile.b = head.value + column;
    if (whole) {
      product_rows<MR, NV>(rows, tile);
    } else {
      product_rows<MR, 1>(rows, tile);
    }
    for (i64 r = 0; r < rows; ++r) {
      const i64 at = offset + r * p.output_row + column;
      i64 j = 0;
      for (; j + kLanes <= columns; j += kLanes) {
        const VecF result = load<VecF>(sums + r * kWidth + j) * splat<VecF>(factor[r]);
        store(output + at + j, epilogue(result, Position{at + j, column + j}));
      }
      TSC_NO_VECTORIZE
      for (; j < columns; ++j)
        output[at + j] = epilogue(sums[r * kWidth + j] * factor[r], Position{at + j, column + j});
    }
    column += columns;
  }
}

}  // namespace detail

template <int MR, int NV>
constexpr i64 attention_work_items(const Attention& p) {
  return p.batch * p.heads * ceil_div(p.queries, MR);
}

template <int MR, int NV>
constexpr i64 attention_scratch_bytes(const Attention& p) {
  const i64 keys = detail::packs_keys(p) ? detail::key_panels<NV>(p) * NV * kLanes * p.depth : 0;
  const i64 value = detail::copied_value_columns(p) * p.keys;
  return (round_up(keys + value, 16) + MR * detail::score_row<NV>(p)) * static_cast<i64>(sizeof(float));
}

template <int MR, int NV, class MaskPointer, class Epilogue = Identity>
void attention(Attention p, const float* query, const float* key, const float* value, MaskPointer mask, float* output,
               const Epilogue& epilogue, void* scratch, i64 begin, i64 end) {
  const i64 row_blocks = ceil_div(p.queries, MR);
  float* const prepared = static_cast<float*>(scratch);
  const i64 scratch_floats = attention_scratch_bytes<MR, NV>(p) / static_cast<i64>(sizeof(float));
  float* const scores = prepared + scratch_floats - MR * detail::score_row<NV>(p);
  const float* prepared_key = nullptr;
  detail::PreparedHead prepared_head = {};
  TSC_NO_UNROLL
  for (i64 item = begin; item < end; ++item) {
    const Piece rows = piece_of(p.queries, row_blocks, item % row_blocks);
    const i64 batch = item / row_blocks / p.heads;
    const i64 head = item / row_blocks % p.heads;
    const float* head_key = key + batch * p.key_batch + head / p.head_group * p.key_head;
    if (prepared_key != head_key) {
      const float* head_value = value + batch * p.value_batch + head / p.head_group * p.value_head;
      prepared_head = detail::prepare_head<NV>(p, head_key, head_value, prepared);
      prepared_key = head_key;
    }
    const i64 limit = p.visibility == Visibility::kCausal ? smaller(p.keys, rows.end) : p.keys;
    const float* block = query + batch * p.query_batch + head * p.query_head + rows.begin * p.query_row;
    detail::score_block<MR, NV>(p, block, head_key, prepared_head, rows.size(), limit, scores);
    const auto block_mask = detail::block_mask(p, mask, batch, head, rows.begin);
    float factor[MR];
    dispatch<MR>(rows.size(), [&]<int kRows>() {
      detail::softmax_scores<kRows>(p, scores, detail::score_row<NV>(p), block_mask, rows.begin, limit, factor);
    });
    const i64 offset = batch * p.output_batch + head * p.output_head + rows.begin * p.output_row;
    detail::weigh_values<MR, NV>(p, scores, prepared_head, rows.size(), limit, factor, output, offset, epilogue);
  }
}

}  // namespace tsc::kernels
