#include "codegen/pack_recurrent.h"

#include <algorithm>
#include <cstddef>

#include "codegen/pack.h"

namespace tsc::codegen {

std::vector<float> interleave_gates(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t columns,
                                    int64_t lanes) {
  const int64_t blocks = (hidden + lanes - 1) / lanes;
  std::vector<float> result(static_cast<size_t>(blocks * gates * lanes * columns), 0.0f);
  for (int64_t unit = 0; unit < hidden; ++unit) {
    for (int64_t gate = 0; gate < gates; ++gate) {
      const int64_t row = (unit / lanes * gates + gate) * lanes + unit % lanes;
      std::copy_n(weight.begin() + (gate * hidden + unit) * columns, columns, result.begin() + row * columns);
    }
  }
  return result;
}

std::vector<float> pack_recurrent_weight(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t lanes) {
  const std::vector<float> rows = interleave_gates(weight, gates, hidden, hidden, lanes);
  const int64_t columns = static_cast<int64_t>(rows.size()) / std::max<int64_t>(hidden, 1);
  return pack_panels({rows.data(), hidden, columns, 1, hidden}, lanes, gates);
}

}  // namespace tsc::codegen
