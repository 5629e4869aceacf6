// Recurrent networks, layer by layer and step by step. Parameters come per layer and direction: w_ih, w_hh and, with
// biases, b_ih, b_hh; weights are [gates * hidden][input].
#pragma once

#include "runtime/ops/contraction.h"
#include "runtime/ops/movement.h"
#include "runtime/ops/random.h"

namespace tsc::ops {

struct CellWeights {
  Tensor w_ih, w_hh;
  Optional<Tensor> b_ih, b_hh;
  Optional<Tensor> w_hr = None();  // of an LSTM that projects its hidden state
};
// What a step carries: the hidden state and, for an LSTM, the cell state.
struct CellState {
  Tensor h, c;
};

// The gates of a step, [batch][hidden] each.
inline List<Tensor> gates_of(Context& ctx, const Tensor& joined, i64 count) {
  if (ctx.ok() && (joined.dim() != 2 || joined.size(1) % count != 0 || joined.size(1) < count)) {
    return ctx.fail(ErrorKind::kShape,
                    "RNN weights must have %lld rows for each element of the state, got gates of size %s",
                    static_cast<long long>(count), SizesText(joined.sizes()).text);
  }
  return chunk(ctx, joined, count, 1);
}

struct LstmCell {
  static constexpr bool kHasCell = true;
  // `gates` has the input's part, bias included.
  static CellState step(Context& ctx, const Tensor& gates, const CellState& state, const CellWeights& w) {
    const List<Tensor> g = gates_of(ctx, add(ctx, gates, linear(ctx, state.h, w.w_hh, w.b_hh), 1), 4);
    if (!ctx.ok()) return {};
    const Tensor c = add(ctx, mul(ctx, sigmoid(ctx, g[1]), state.c), mul(ctx, sigmoid(ctx, g[0]), tanh(ctx, g[2])), 1);
    const Tensor h = mul(ctx, sigmoid(ctx, g[3]), tanh(ctx, c));
    return {w.w_hr ? linear(ctx, h, *w.w_hr, None()) : h, c};
  }
};
struct GruCell {
  static constexpr bool kHasCell = false;
  static CellState step(Context& ctx, const Tensor& gates, const CellState& state, const CellWeights& w) {
    const List<Tensor> x = gates_of(ctx, gates, 3);
    const List<Tensor> h = gates_of(ctx, linear(ctx, state.h, w.w_hh, w.b_hh), 3);
    if (!ctx.ok()) return {};
    const Tensor reset = sigmoid(ctx, add(ctx, x[0], h[0], 1)), update = sigmoid(ctx, add(ctx, x[1], h[1], 1));
    const Tensor fresh = tanh(ctx, add(ctx, x[2], mul(ctx, reset, h[2]), 1));
    return {add(ctx, mul(ctx, sub(ctx, state.h, fresh, 1), update), fresh, 1), Tensor()};
  }
};
struct TanhCell {
  static constexpr bool kHasCell = false;
  static CellState step(Context& ctx, const Tensor& gates, const CellState& state, const CellWeights& w) {
    return {tanh(ctx, add(ctx, gates, linear(ctx, state.h, w.w_hh, w.b_hh), 1)), Tensor()};
  }
};
struct ReluCell {
  static constexpr bool kHasCell = false;
  static CellState step(Context& ctx, const Tensor& gates, const CellState& state, const CellWeights& w) {
    return {relu(ctx, add(ctx, gates, linear(ctx, state.h, w.w_hh, w.b_hh), 1)), Tensor()};
  }
};

struct RecurrentResult {
  Tensor output, h, c;
};
struct RecurrentShape {
  bool has_biases;
  i64 num_layers;
  double dropout;
  bool train;
  bool bidirectional;
  bool projected = false;

  i64 params_of_cell() const { return (has_biases ? 4 : 2) + (projected ? 1 : 0); }
};

inline CellWeights weights_of(const List<Tensor>& params, const RecurrentShape& s, i64 index) {
  const i64 each = s.params_of_cell();
  CellWeights w{params[index * each], params[index * each + 1], None(), None()};
  if (s.projected) w.w_hr = params[index * each + each - 1];
  if (s.has_biases) {
    w.b_ih = params[index * each + 2];
    w.b_hh = params[index * each + 3];
  }
  return w;
}
// States and parameters have the input's dtype, a float.
inline bool recurrent_dtypes_ok(Context& ctx, const Tensor& input, const Tensor& hx, const Tensor& cx,
                                const List<Tensor>& params) {
  if (!ctx.ok()) return false;
  if (!is_floating(input.dtype())) {
    ctx.fail(ErrorKind::kType, "recurrent networks of dtype %s are not supported", scalar_type_name(input.dtype()));
    return false;
  }
  bool same = hx.dtype() == input.dtype() && (!cx.defined() || cx.dtype() == input.dtype());
  for (const Tensor& p : params) same = same && p.dtype() == input.dtype();
  if (!same) ctx.fail(ErrorKind::kType, "RNN input, hidden states and parameters must have the same dtype");
  return same;
}
inline bool recurrent_ok(Context& ctx, const RecurrentShape& s, const Tensor& input, i64 rank, const Tensor& hx,
                         const List<Tensor>& params) {
  if (!ctx.ok()) return false;
  const i64 cells = s.num_layers * (s.bidirectional ? 2 : 1);
  if (params.size() != cells * s.params_of_cell()) {
    ctx.fail(ErrorKind::kRuntime, "got an incorrect number of RNN parameters");
  } else if (input.dim() != rank || hx.dim() != 3 || hx.size(0) != cells) {
    ctx.fail(ErrorKind::kShape, "expected an input of rank %lld and a hidden state [%lld, batch, size], got %s and %s",
             static_cast<long long>(rank), static_cast<long long>(cells), SizesText(input.sizes()).text,
             SizesText(hx.sizes()).text);
  } else if (rank == 3 && input.size(0) == 0) {
    ctx.fail(ErrorKind::kRuntime, "Expected sequence length to be larger than 0 in RNN");
  } else if (rank == 3 && input.size(1) != hx.size(1)) {
    ctx.fail(ErrorKind::kShape, "Expected hidden size with batch %lld, got %s", static_cast<long long>(input.size(1)),
             SizesText(hx.sizes()).text);
  }
  return ctx.ok();
}

// One direction of one layer over [time][batch][features]; every step has the whole batch.
template <class Cell>
RecurrentResult run_direction(Context& ctx, const Tensor& input, CellState state, const CellWeights& w, bool reverse) {
  const i64 steps = input.size(0);
  const Tensor gates = linear(ctx, input, w.w_ih, w.b_ih);
  if (!ctx.ok()) return {};
  const Tensor output = Tensor::empty(ctx, input.dtype(), dims(steps, input.size(1), state.h.size(1)));
  for (i64 i = 0; i < steps && ctx.ok(); ++i) {
    const i64 time = reverse ? steps - 1 - i : i;
    state = Cell::step(ctx, select(ctx, gates, 0, time), state, w);
    copy_(ctx, select(ctx, output, 0, time), state.h);
  }
  return {output, state.h, state.c};
}
// The same over packed sequences: `data` has batch_sizes[t] rows for each step t, longest sequences first. Sequences
// that end (or, in reverse, begin) at a step leave (join) the running batch there.
template <class Cell>
RecurrentResult run_packed(Context& ctx, const Tensor& data, const Tensor& batch_sizes, const CellState& initial,
                           const CellWeights& w, bool reverse) {
  const i64 steps = batch_sizes.numel();
  const i64* sizes = batch_sizes.data<i64>();
  const Tensor gates = linear(ctx, data, w.w_ih, w.b_ih);
  if (!ctx.ok()) return {};
  const Tensor output = Tensor::empty(ctx, data.dtype(), dims(data.size(0), initial.h.size(1)));
  const Tensor h = clone(ctx, initial.h), c = Cell::kHasCell ? clone(ctx, initial.c) : Tensor();
  i64 row = reverse ? data.size(0) : 0;
  for (i64 i = 0; i < steps && ctx.ok(); ++i) {
    const i64 time = reverse ? steps - 1 - i : i;
    const i64 rows = sizes[time];
    if (reverse) row -= rows;
    const CellState state = {slice(ctx, h, 0, 0, rows, 1), Cell::kHasCell ? slice(ctx, c, 0, 0, rows, 1) : Tensor()};
    const CellState next = Cell::step(ctx, slice(ctx, gates, 0, row, row + rows, 1), state, w);
    copy_(ctx, state.h, next.h);
    if (Cell::kHasCell) copy_(ctx, state.c, next.c);
    copy_(ctx, slice(ctx, output, 0, row, row + rows, 1), next.h);
    if (!reverse) row += rows;
  }
  return {output, h, c};
}

// All layers. `direction(input, state, weights, reverse)` runs one direction; outputs of both are joined by features.
template <class Cell, class Direction>
RecurrentResult run_layers(Context& ctx, Tensor input, const Tensor& hx, const Tensor& cx, const List<Tensor>& params,
                           const RecurrentShape& s, Direction direction) {
  const i64 directions = s.bidirectional ? 2 : 1;
  List<Tensor> hs = List<Tensor>::make(ctx), cs = List<Tensor>::make(ctx);
  for (i64 layer = 0; layer < s.num_layers && ctx.ok(); ++layer) {
    List<Tensor> outputs = List<Tensor>::make(ctx);
    for (i64 d = 0; d < directions && ctx.ok(); ++d) {
      const i64 index = layer * directions + d;
      const CellState state = {select(ctx, hx, 0, index), Cell::kHasCell ? select(ctx, cx, 0, index) : Tensor()};
      const RecurrentResult r = direction(input, state, weights_of(params, s, index), d == 1);
      outputs.append(r.output);
      hs.append(r.h);
      if (Cell::kHasCell) cs.append(r.c);
    }
    if (!ctx.ok()) return {};
    input = directions == 1 ? outputs[0] : cat(ctx, outputs, -1);
    if (s.train && s.dropout > 0 && layer + 1 < s.num_layers) input = dropout(ctx, input, s.dropout, true);
  }
  return {input, stack(ctx, hs, 0), Cell::kHasCell ? stack(ctx, cs, 0) : Tensor()};
}
// Half precision is rounded once, after the last step.
inline List<Tensor> in_float(Context& ctx, const List<Tensor>& tensors) {
  List<Tensor> result = List<Tensor>::make(ctx, tensors.size());
  for (const Tensor& t : tensors) result.append(in_float(ctx, t));
  return result;
}
inline RecurrentResult rounded(Context& ctx, const RecurrentResult& r, DType dtype) {
  return {converted(ctx, r.output, dtype), converted(ctx, r.h, dtype),
          r.c.defined() ? converted(ctx, r.c, dtype) : r.c};
}
template <class Cell>
RecurrentResult run_recurrent(Context& ctx, const Tensor& input, const Tensor& hx, const Tensor& cx,
                              const List<Tensor>& params, const RecurrentShape& s, bool batch_first) {
  if (!recurrent_dtypes_ok(ctx, input, hx, cx, params)) return {};
  if (is_half(input)) {
    const Tensor cell = cx.defined() ? in_float(ctx, cx) : cx;
    return rounded(
        ctx,
        run_recurrent<Cell>(ctx, in_float(ctx, input), in_float(ctx, hx), cell, in_float(ctx, params), s, batch_first),
        input.dtype());
  }
  const Tensor sequence = batch_first && input.dim() == 3 ? transpose(ctx, input, 0, 1) : input;
  if (!recurrent_ok(ctx, s, sequence, 3, hx, params)) return {};
  RecurrentResult r = run_layers<Cell>(ctx, sequence, hx, cx, params, s,
                                       [&](const Tensor& x, const CellState& state, const CellWeights& w,
                                           bool reverse) { return run_direction<Cell>(ctx, x, state, w, reverse); });
  if (batch_first && ctx.ok()) r.output = transpose(ctx, r.output, 0, 1);
  return r;
}

// An LSTM's hidden state is as large as its cell state unless it is a projection of it.
inline bool is_projected(const List<Tensor>& hx) {
  return hx[0].dim() == 3 && hx[1].dim() == 3 && hx[0].size(2) != hx[1].size(2);
}

inline Tuple<Tensor, Tensor, Tensor> lstm(Context& ctx, const Tensor& input, const List<Tensor>& hx,
                                          const List<Tensor>& params, bool has_biases, i64 num_layers, double dropout,
                                          bool train, bool bidirectional, bool batch_first) {
  if (!ctx.ok()) return {};
  if (hx.size() != 2) return ctx.fail(ErrorKind::kRuntime, "lstm expects two hidden states");
  const RecurrentShape s = {has_biases, num_layers, dropout, train, bidirectional, is_projected(hx)};
  const RecurrentResult r = run_recurrent<LstmCell>(ctx, input, hx[0], hx[1], params, s, batch_first);
  return {r.output, r.h, r.c};
}
// Sequences of different lengths: `batch_sizes` counts those that are as long as each step.
template <class Cell>
RecurrentResult run_packed_recurrent(Context& ctx, const Tensor& data, const Tensor& batch_sizes, const Tensor& hx,
                                     const Tensor& cx, const List<Tensor>& params, const RecurrentShape& s) {
  if (!recurrent_dtypes_ok(ctx, data, hx, cx, params)) return {};
  if (batch_sizes.dtype() != DType::kInt64) {
    ctx.fail(ErrorKind::kType, "batch_sizes must be Long, not %s", scalar_type_name(batch_sizes.dtype()));
    return {};
  }
  if (is_half(data)) {
    const Tensor cell = cx.defined() ? in_float(ctx, cx) : cx;
    return rounded(ctx,
                   run_packed_recurrent<Cell>(ctx, in_float(ctx, data), batch_sizes, in_float(ctx, hx), cell,
                                              in_float(ctx, params), s),
                   data.dtype());
  }
  if (!recurrent_ok(ctx, s, data, 2, hx, params)) return {};
  const Tensor sizes = contiguous_as(ctx, batch_sizes, DType::kInt64);
  if (!ctx.ok()) return {};
  i64 total = 0;
  bool valid = true;
  for (i64 i = 0; i < sizes.numel(); ++i) {
    const i64 size = sizes.data<i64>()[i];
    valid &= size > 0 && size <= (i == 0 ? hx.size(1) : sizes.data<i64>()[i - 1]);
    total += valid ? size : 0;
  }
  if (!valid || total != data.size(0)) {
    ctx.fail(ErrorKind::kRuntime, "batch_sizes must be decreasing, positive and sum up to the rows of data");
    return {};
  }
  return run_layers<Cell>(ctx, data, hx, cx, params, s,
                          [&](const Tensor& x, const CellState& state, const CellWeights& w, bool reverse) {
                            return run_packed<Cell>(ctx, x, sizes, state, w, reverse);
                          });
}
inline Tuple<Tensor, Tensor, Tensor> lstm_packed(Context& ctx, const Tensor& data, const Tensor& batch_sizes,
                                                 const List<Tensor>& hx, const List<Tensor>& params, bool has_biases,
                                                 i64 num_layers, double dropout, bool train, bool bidirectional) {
  if (!ctx.ok()) return {};
  if (hx.size() != 2) return ctx.fail(ErrorKind::kRuntime, "lstm expects two hidden states");
  const RecurrentShape s = {has_biases, num_layers, dropout, train, bidirectional, is_projected(hx)};
  const RecurrentResult r = run_packed_recurrent<LstmCell>(ctx, data, batch_sizes, hx[0], hx[1], params, s);
  return {r.output, r.h, r.c};
}
inline Tuple<Tensor, Tensor> gru(Context& ctx, const Tensor& input, const Tensor& hx, const List<Tensor>& params,
                                 bool has_biases, i64 num_layers, double dropout, bool train, bool bidirectional,
                                 bool batch_first) {
  const RecurrentResult r = run_recurrent<GruCell>(
      ctx, input, hx, Tensor(), params, {has_biases, num_layers, dropout, train, bidirectional}, batch_first);
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> rnn_tanh(Context& ctx, const Tensor& input, const Tensor& hx, const List<Tensor>& params,
                                      bool has_biases, i64 num_layers, double dropout, bool train, bool bidirectional,
                                      bool batch_first) {
  const RecurrentResult r = run_recurrent<TanhCell>(
      ctx, input, hx, Tensor(), params, {has_biases, num_layers, dropout, train, bidirectional}, batch_first);
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> rnn_relu(Context& ctx, const Tensor& input, const Tensor& hx, const List<Tensor>& params,
                                      bool has_biases, i64 num_layers, double dropout, bool train, bool bidirectional,
                                      bool batch_first) {
  const RecurrentResult r = run_recurrent<ReluCell>(
      ctx, input, hx, Tensor(), params, {has_biases, num_layers, dropout, train, bidirectional}, batch_first);
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> gru_packed(Context& ctx, const Tensor& data, const Tensor& batch_sizes, const Tensor& hx,
                                        const List<Tensor>& params, bool has_biases, i64 num_layers, double dropout,
                                        bool train, bool bidirectional) {
  const RecurrentResult r = run_packed_recurrent<GruCell>(ctx, data, batch_sizes, hx, Tensor(), params,
                                                          {has_biases, num_layers, dropout, train, bidirectional});
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> rnn_tanh_packed(Context& ctx, const Tensor& data, const Tensor& batch_sizes,
                                             const Tensor& hx, const List<Tensor>& params, bool has_biases,
                                             i64 num_layers, double dropout, bool train, bool bidirectional) {
  const RecurrentResult r = run_packed_recurrent<TanhCell>(ctx, data, batch_sizes, hx, Tensor(), params,
                                                           {has_biases, num_layers, dropout, train, bidirectional});
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> rnn_relu_packed(Context& ctx, const Tensor& data, const Tensor& batch_sizes,
                                             const Tensor& hx, const List<Tensor>& params, bool has_biases,
                                             i64 num_layers, double dropout, bool train, bool bidirectional) {
  const RecurrentResult r = run_packed_recurrent<ReluCell>(ctx, data, batch_sizes, hx, Tensor(), params,
                                                           {has_biases, num_layers, dropout, train, bidirectional});
  return {r.output, r.h};
}
inline Tuple<Tensor, Tensor> lstm_cell(Context& ctx, const Tensor& input, const List<Tensor>& hx, const Tensor& w_ih,
                                       const Tensor& w_hh, const Optional<Tensor>& b_ih = None(),
                                       const Optional<Tensor>& b_hh = None()) {
  if (!ctx.ok()) return {};
  if (hx.size() != 2) return ctx.fail(ErrorKind::kRuntime, "lstm_cell expects two hidden states");
  if (!recurrent_dtypes_ok(ctx, input, hx[0], hx[1], List<Tensor>())) return {};
  const CellState state = LstmCell::step(ctx, linear(ctx, input, w_ih, b_ih), {hx[0], hx[1]}, {w_ih, w_hh, b_ih, b_hh});
  return {state.h, state.c};
}
// One direction of one layer whose gates are given: the state after each step, planes of h and c for an LSTM.
template <class Cell>
Tensor scan(Context& ctx, const Tensor& gates, const CellWeights& w, CellState state, bool reverse) {
  if (!ctx.ok()) return {};
  const i64 steps = gates.size(0);
  constexpr i64 kPlanes = Cell::kHasCell ? 2 : 1;
  const Tensor planes = Tensor::empty(ctx, gates.dtype(), dims(kPlanes, steps, gates.size(1), state.h.size(1)));
  for (i64 i = 0; i < steps && ctx.ok(); ++i) {
    const i64 time = reverse ? steps - 1 - i : i;
    state = Cell::step(ctx, select(ctx, gates, 0, time), state, w);
    copy_(ctx, select(ctx, select(ctx, planes, 0, 0), 0, time), state.h);
    if (Cell::kHasCell) copy_(ctx, select(ctx, select(ctx, planes, 0, 1), 0, time), state.c);
  }
  return Cell::kHasCell ? planes : select(ctx, planes, 0, 0);
}
inline Tensor lstm_scan(Context& ctx, const Tensor& gates, const Tensor& hidden_weight, const Tensor& h0,
                        const Tensor& c0, bool reverse) {
  return scan<LstmCell>(ctx, gates, {Tensor(), hidden_weight, None(), None()}, {h0, c0}, reverse);
}
inline Tensor gru_scan(Context& ctx, const Tensor& gates, const Tensor& hidden_weight, const Optional<Tensor>& new_bias,
                       const Tensor& h0, bool reverse) {
  CellWeights w{Tensor(), hidden_weight, None(), None()};
  if (new_bias.has_value()) {
    const Tensor none = new_zeros(ctx, h0, List<i64>::of(ctx, 2 * h0.size(1)));
    w.b_hh = cat(ctx, List<Tensor>::of(ctx, none, *new_bias), 0);
  }
  return scan<GruCell>(ctx, gates, w, {h0, Tensor()}, reverse);
}
inline Tensor rnn_tanh_scan(Context& ctx, const Tensor& gates, const Tensor& hidden_weight, const Tensor& h0,
                            bool reverse) {
  return scan<TanhCell>(ctx, gates, {Tensor(), hidden_weight, None(), None()}, {h0, Tensor()}, reverse);
}
inline Tensor gru_cell(Context& ctx, const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh,
                       const Optional<Tensor>& b_ih = None(), const Optional<Tensor>& b_hh = None()) {
  if (!recurrent_dtypes_ok(ctx, input, hx, Tensor(), List<Tensor>())) return {};
  return GruCell::step(ctx, linear(ctx, input, w_ih, b_ih), {hx, Tensor()}, {w_ih, w_hh, b_ih, b_hh}).h;
}

}  // namespace tsc::ops
