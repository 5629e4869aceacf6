// Runs a compiled ResNet: no LibTorch, only the library that tsc made and the wrapper tsc/tsc.hpp.
//   resnet18 resnet18.so input.bin expected.bin
// Prints "ok" when the model is loaded, then its five best classes beside LibTorch's and the largest error.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "tsc/tsc.hpp"

namespace {

constexpr int kTop = 5;

std::vector<float> read_floats(const std::string& path, size_t count) {
  std::vector<float> values(count);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)))) {
    throw std::runtime_error(path + " has fewer than " + std::to_string(count) + " floats");
  }
  return values;
}

std::vector<size_t> best_classes(const float* scores, size_t count) {
  std::vector<size_t> classes(count);
  std::iota(classes.begin(), classes.end(), size_t{0});
  std::partial_sort(classes.begin(), classes.begin() + kTop, classes.end(),
                    [scores](size_t a, size_t b) { return scores[a] > scores[b]; });
  classes.resize(kTop);
  return classes;
}

int run(const std::string& library, const std::string& input_file, const std::string& expected_file) {
  const tsc::Model model = tsc::Library(library).model();
  std::puts("ok");

  std::vector<float> image = read_floats(input_file, 1 * 3 * 224 * 224);
  const tsc::Result result = model("forward")(tsc::tensor(image.data(), {1, 3, 224, 224}));
  const size_t count = static_cast<size_t>(result.tensor().numel());
  const float* scores = result.tensor().data<float>();

  const std::vector<float> expected = read_floats(expected_file, count);
  const std::vector<size_t> ours = best_classes(scores, count);
  const std::vector<size_t> theirs = best_classes(expected.data(), count);
  std::printf("\n        tsc                LibTorch\n class      logit    class      logit\n");
  for (int i = 0; i < kTop; ++i) {
    std::printf("%6zu %10.5f   %6zu %10.5f\n", ours[i], scores[ours[i]], theirs[i], expected[theirs[i]]);
  }
  float error = 0;
  for (size_t i = 0; i < count; ++i) error = std::max(error, std::abs(scores[i] - expected[i]));
  std::printf("largest error of %zu logits: %.2g\n", count, error);
  return ours == theirs && error < 1e-3f ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s resnet18.so input.bin expected.bin\n", argv[0]);
    return 2;
  }
  try {
    return run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
