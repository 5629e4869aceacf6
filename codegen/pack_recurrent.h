// Weights of recurrent layers in the order that runtime/kernels/recurrent.h reads: gates of `lanes` units together.
// `gates` is the number of gates of a unit: 4 for an LSTM, 3 for a GRU, 1 for a tanh network; hidden is padded with
// zero units to whole vectors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tsc::codegen {

// PyTorch's [gates * hidden][columns] as [hidden / lanes][gates][lanes][columns]: the weight that the input is
// multiplied with before it is packed for `linear`, and with one column its bias.
std::vector<float> interleave_gates(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t columns,
                                    int64_t lanes);

// The hidden-to-hidden weight [gates * hidden][hidden] as [hidden / lanes][hidden][gates][lanes].
std::vector<float> pack_recurrent_weight(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t lanes);

}  // namespace tsc::codegen
