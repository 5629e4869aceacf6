#include "codegen/pack_recurrent.h"

#include <algorithm>
#include <cstddef>

#include "codegen/pack.h"

namespace tsc::codegen {

std::vector<float> pack_recurrent_weight(std::span<const float> weight, int64_t gates, int64_t hidden, int64_t lanes) {
  const int64_t columns = (hidden + lanes - 1) / lanes * lanes * gates;
  // The gates of `lanes` units side by side, as the columns of the product.
  std::vector<float> rows(static_cast<size_t>(columns * hidden), 0.0f);
  for (int64_t unit = 0; unit < hidden; ++unit) {
    for (int64_t gate = 0; gate < gates; ++gate) {
      const int64_t column = (unit / lanes * gates + gate) * lanes + unit % lanes;
      std::copy_n(weight.begin() + (gate * hidden + unit) * hidden, hidden, rows.begin() + column * hidden);
    }
  }
  return pack_panels({rows.data(), hidden, columns, 1, hidden}, lanes, gates);
}

int64_t packed_recurrent_size(int64_t gates, int64_t hidden, int64_t lanes) {
  return (hidden + lanes - 1) / lanes * lanes * gates * hidden;
}

}  // namespace tsc::codegen
