// Scaled dot product attention, in float, for each batch and head:
//
//   output[i] = epilogue(sum over j of softmax over j of (scale * query[i] . key[j] + mask[i][j]) * value[j])
//
//   attention<MR, NV>(p, query, key, value, mask, output, epilogue, scratch, begin, end)
//
// Rows of query, key, value and output are contiguous (depth or value_depth floats); everything else is strided, so
// that heads may lie within rows. `mask` is NoMask{}, a const float* that is added, or a const bool* whose false
// removes a key; its strides may be 0. With kCausal query i sees keys 0..i. A query all of whose scores are minus infinity
// gets what `unseeing` says. The epilogue gets Position{offset in the output, column}.
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
// Of a query that sees no key: PyTorch's attention gives 0, the softmax of such a row has no number. Without any keys both give 0.
enum class Unseeing { kZero, kNaN };

struct Attention {
  isize batch = 1, heads = 1, queries = 0, keys = 0;
  isize depth = 0, value_depth = 0;
  isize head_group = 1;  // query heads that share a head of key and value
  isize query_batch = 0, query_head = 0, query_row = 0;
  isize key_batch = 0, key_head = 0, key_row = 0;
  isize value_batch = 0, value_head = 0, value_row = 0;
  isize output_batch = 0, output_head = 0, output_row = 0;
  isize mask_batch = 0, mask_head = 0, mask_query = 0, mask_key = 0;
  float scale = 1;
  Visibility visibility = Visibility::kAllKeys;
  Unseeing unseeing = Unseeing::kZero;
};

struct NoMask {};

namespace detail {

template <int NV>
constexpr isize key_panels(const Attention& p) {
  return ceil_div(p.keys, NV * kLanes);
}
// A row of scores ends in a vector more than it needs, so that rows don't all start in one set of the cache.
template <int NV>
constexpr isize score_row(const Attention& p) {
  return (key_panels<NV>(p) * NV + 1) * kLanes;
}
// Columns of a copy of value, which is made where its rows are not whole vectors.
constexpr isize copied_value_columns(const Attention& p) {
  return p.value_depth % kLanes == 0 ? 0 : round_up(p.value_depth, kLanes);
}
// Few queries do not pay for packing the keys.
constexpr bool packs_keys(const Attention& p) { return p.queries > 2; }

// The mask of one block of queries.
template <class T>
struct BlockMask {
  const T* data;
  isize row;
  isize key;

  TSC_INLINE VecF apply(VecF score, isize r, isize i, isize lanes) const {
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
  TSC_INLINE VecF apply(VecF score, isize, isize, isize) const { return score; }
};

TSC_INLINE BlockMask<NoMask> block_mask(const Attention&, NoMask, isize, isize, isize) { return {}; }
template <class T>
TSC_INLINE BlockMask<T> block_mask(const Attention& p, const T* mask, isize batch, isize head, isize query) {
  return {mask + batch * p.mask_batch + head * p.mask_head + query * p.mask_query, p.mask_query, p.mask_key};
}

// Turns kRows rows of scores into exp(score * scale + mask - maximum) and returns 1 / their sums. Row r sees `limit`
// keys and, in a causal block, min(limit, first + r + 1); what follows up to `limit` becomes 0.
template <int kRows, class M>
inline void softmax_scores(const Attention& p, float* scores, isize row, const BlockMask<M>& mask, isize first, isize limit,
                           float* inverse) {
  using Index = Bits<VecF>;
  isize visible[kRows];
  VecF maximum[kRows], sum[kRows];
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) {
    visible[r] = p.visibility == Visibility::kCausal ? smaller(limit, first + r + 1) : limit;
    maximum[r] = splat<VecF>(-kInfinity);
    sum[r] = splat<VecF>(0);
  }
  const VecF scale = splat<VecF>(p.scale);
  for (isize i = 0; i < limit; i += kLanes) {
    const isize lanes = smaller(kLanes, limit - i);
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
  for (isize i = 0; i < limit; i += kLanes) {
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
    const float unseen = p.unseeing == Unseeing::kZero || limit == 0 ? 0.0f : kInfinity - kInfinity;
    inverse[r] = total == 0.0f ? unseen : 1.0f / total;
  }
}

// Key and value of one head as the products want them.
struct PreparedHead {
  const float* key_panels;
  const float* value;
  isize value_row;
};

template <int NV>
inline PreparedHead prepare_head(const Attention& p, const float* key, const float* value, float* scratch) {
  constexpr isize kWidth = NV * kLanes;
  PreparedHead head = {scratch, value, p.value_row};
  if (packs_keys(p)) {
    for (isize panel = 0; panel < key_panels<NV>(p); ++panel) {
      const isize first = panel * kWidth;
      pack_panel<kWidth>(key + first * p.key_row, p.depth, smaller(kWidth, p.keys - first), 1, p.key_row,
                         scratch + first * p.depth);
    }
    scratch += key_panels<NV>(p) * kWidth * p.depth;
  }
  if (const isize columns = copied_value_columns(p); columns != 0) {
    for (isize j = 0; j < p.keys; ++j) {
      for (isize c = 0; c < columns; ++c)
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
                            isize rows, isize limit, float* scores) {
  constexpr isize kWidth = NV * kLanes;
  if (!packs_keys(p)) {
    for (isize r = 0; r < rows; ++r) {
      dot_columns(query + r * p.query_row, key, p.key_row, p.depth, limit, scores + r * score_row<NV>(p));
    }
    return;
  }
  ProductTile tile = {.depth = p.depth, .a = query, .a_row = p.query_row, .b_depth = kWidth};
  tile.output_row = score_row<NV>(p);
  tile.output_vector = kLanes;
  for (isize first = 0; first < limit; first += kWidth) {
    tile.b = head.key_panels + first * p.depth;
    tile.output = scores + first;
    product_rows<MR, NV>(rows, tile);
  }
}

// output[rows][value_depth] = scores * value, each row times `factor`.
template <int MR, int NV, class Epilogue>
TSC_INLINE void weigh_values(const Attention& p, const float* scores, const PreparedHead& head, isize rows, isize limit,
                             const float* factor, float* output, isize offset, const Epilogue& epilogue) {
  constexpr isize kWidth = NV * kLanes;
  alignas(64) float sums[MR * kWidth];
  ProductTile tile = {.depth = limit, .a = scores, .a_row = score_row<NV>(p), .b_depth = head.value_row};
  tile.output = sums;
  tile.output_row = kWidth;
  tile.output_vector = kLanes;
  for (isize column = 0; column < p.value_depth;) {
    const bool whole = column + kWidth <= p.value_depth;
    const isize columns = smaller(whole ? kWidth : kLanes, p.value_depth - column);
    tile.b = head.value + column;
    if (whole) {
      product_rows<MR, NV>(rows, tile);
    } else {
      product_rows<MR, 1>(rows, tile);
    }
    for (isize r = 0; r < rows; ++r) {
      const isize at = offset + r * p.output_row + column;
      isize j = 0;
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
constexpr isize attention_work_items(const Attention& p) {
  return p.batch * p.heads * ceil_div(p.queries, MR);
}

template <int MR, int NV>
constexpr isize attention_scratch_bytes(const Attention& p) {
  const isize keys = detail::packs_keys(p) ? detail::key_panels<NV>(p) * NV * kLanes * p.depth : 0;
  const isize value = detail::copied_value_columns(p) * p.keys;
  return (round_up(keys + value, 16) + MR * detail::score_row<NV>(p)) * static_cast<isize>(sizeof(float));
}

template <int MR, int NV, class MaskPointer, class Epilogue = Identity>
void attention(Attention p, const float* query, const float* key, const float* value, MaskPointer mask, float* output,
               const Epilogue& epilogue, void* scratch, isize begin, isize end) {
  const isize row_blocks = ceil_div(p.queries, MR);
  float* const prepared = static_cast<float*>(scratch);
  const isize scratch_floats = attention_scratch_bytes<MR, NV>(p) / static_cast<isize>(sizeof(float));
  float* const scores = prepared + scratch_floats - MR * detail::score_row<NV>(p);
  const float* prepared_key = nullptr;
  detail::PreparedHead prepared_head = {};
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const Piece rows = piece_of(p.queries, row_blocks, item % row_blocks);
    const isize batch = item / row_blocks / p.heads;
    const isize head = item / row_blocks % p.heads;
    const float* head_key = key + batch * p.key_batch + head / p.head_group * p.key_head;
    if (prepared_key != head_key) {
      const float* head_value = value + batch * p.value_batch + head / p.head_group * p.value_head;
      prepared_head = detail::prepare_head<NV>(p, head_key, head_value, prepared);
      prepared_key = head_key;
    }
    const isize limit = p.visibility == Visibility::kCausal ? smaller(p.keys, rows.end) : p.keys;
    const float* block = query + batch * p.query_batch + head * p.query_head + rows.begin * p.query_row;
    detail::score_block<MR, NV>(p, block, head_key, prepared_head, rows.size(), limit, scores);
    const auto block_mask = detail::block_mask(p, mask, batch, head, rows.begin);
    float factor[MR];
    dispatch<MR>(rows.size(), [&]<int kRows>() {
      detail::softmax_scores<kRows>(p, scores, detail::score_row<NV>(p), block_mask, rows.begin, limit, factor);
    });
    const isize offset = batch * p.output_batch + head * p.output_head + rows.begin * p.output_row;
    detail::weigh_values<MR, NV>(p, scores, prepared_head, rows.size(), limit, factor, output, offset, epilogue);
  }
}

}  // namespace tsc::kernels
