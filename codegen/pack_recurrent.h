// Weights of recurrent layers in the order that runtime/kernels/recurrent.h reads: gates of `lanes` units together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tsc::codegen {

// PyTorch's hidden-to-hidden weight [gates * hidden][hidden] as [hidden / lanes][hidden][gates][lanes]. `gates` is the
// number of gates of a unit: 4 for an LSTM, 3 for a GRU, 1 for a tanh network; hidden is padded with zero units to whole
// vectors.
std::vector<float> pack_recurrent_weight(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t lanes);
int64_t packed_recurrent_size(int64_t gates, int64_t hidden, int64_t lanes);

}  // namespace tsc::codegen
