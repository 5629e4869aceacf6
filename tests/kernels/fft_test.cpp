// Fourier transforms against the definition in double.
#include "runtime/kernels/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

namespace tsc::kernels {
namespace {

using Numbers = std::vector<std::complex<double>>;

Numbers transformed(const Numbers& x, double sign) {
  const size_t n = x.size();
  Numbers result(n);
  for (size_t k = 0; k < n; ++k) {
    for (size_t j = 0; j < n; ++j) {
      const double angle = sign * 2 * M_PI * static_cast<double>(j * k % n) / static_cast<double>(n);
      result[k] += x[j] * std::polar(1.0, angle);
    }
  }
  return result;
}

Numbers noise(i64 n, unsigned seed) {
  Numbers x;
  for (i64 i = 0; i < n; ++i) {
    seed = seed * 1664525u + 1013904223u;
    const double a = seed >> 8;
    seed = seed * 1664525u + 1013904223u;
    x.emplace_back(a / (1 << 24) - 0.5, static_cast<double>(seed >> 8) / (1 << 24) - 0.5);
  }
  return x;
}

template <class V>
void set_lane(Pair<V>& pair, i64 lane, std::complex<double> z) {
  auto* parts = reinterpret_cast<Element<V>*>(&pair);
  parts[lane] = static_cast<Element<V>>(z.real());
  parts[kLanesOf<V> + lane] = static_cast<Element<V>>(z.imag());
}
template <class V>
std::complex<double> lane_of(const Pair<V>& pair, i64 lane) {
  const auto* parts = reinterpret_cast<const Element<V>*>(&pair);
  return {parts[lane], parts[kLanesOf<V> + lane]};
}

template <class V>
struct Buffers {
  explicit Buffers(i64 n) : plan(FftPlan<Element<V>>::of(n)), tables(plan.table_size()) {
    plan.make_tables(tables.data());
    x.resize(plan.buffer_size() + 1);
    y.resize(plan.buffer_size() + 1);
  }
  FftPlan<Element<V>> plan;
  std::vector<Pair<Element<V>>> tables;
  std::vector<Pair<V>> x, y;
};

// The error of rounding grows with the number of stages.
template <class T>
double tolerance(i64 n) {
  const double unit = kSame<T, float> ? 6e-8 : 1.2e-16;
  return unit * (8 + 4 * std::log2(static_cast<double>(n + 1))) * std::sqrt(static_cast<double>(n));
}

template <class V>
void check(i64 n) {
  Buffers<V> b(n);
  if (b.plan.is_chirped() && kSame<Element<V>, float>) return;
  for (i64 lane = 0; lane < kLanesOf<V>; ++lane) {
    const Numbers x = noise(n, static_cast<unsigned>(lane + 1));
    for (i64 j = 0; j < n; ++j) set_lane(b.x[j], lane, x[j]);
  }
  const Pair<V>* result = b.plan.template run<V>(b.x.data(), b.y.data());
  for (const i64 lane : {i64{0}, i64{kLanesOf<V> - 1}}) {
    const Numbers expected = transformed(noise(n, static_cast<unsigned>(lane + 1)), -1);
    for (i64 k = 0; k < n; ++k) {
      ASSERT_LE(std::abs(lane_of(result[k], lane) - expected[k]), tolerance<Element<V>>(n)) << n << " at " << k;
    }
  }
}

// An even number of real ones as pairs, and back.
template <class V>
void check_real(i64 n) {
  using T = Element<V>;
  Buffers<V> b(n / 2);
  if (b.plan.is_chirped() && kSame<T, float>) return;
  std::vector<Pair<T>> roots(n);
  unit_roots(roots.data(), n, n);
  Numbers x = noise(n, 7);
  for (auto& z : x) z = z.real();
  for (i64 j = 0; j < n / 2; ++j) {
    for (i64 lane = 0; lane < kLanesOf<V>; ++lane) set_lane(b.x[j], lane, {x[2 * j].real(), x[2 * j + 1].real()});
  }
  Pair<V>* z = b.plan.template run<V>(b.x.data(), b.y.data());
  std::vector<Pair<V>> half(n / 2 + 1), pairs(n / 2 + 1);
  real_from_pairs(z, half.data(), n, roots.data());
  const Numbers expected = transformed(x, -1);
  for (i64 k = 0; k <= n / 2; ++k) {
    ASSERT_LE(std::abs(lane_of(half[k], 0) - expected[k]), 2 * tolerance<T>(n)) << n << " at " << k;
  }
  set_lane(half[0], 0, {expected[0].real(), 3.0});  // whose imaginary part doesn't count
  pairs_from_real(half.data(), pairs.data(), n, roots.data());
  for (i64 j = 0; j < n / 2; ++j) b.x[j] = pairs[j].exchanged();
  z = b.plan.template run<V>(b.x.data(), b.y.data());
  for (i64 j = 0; j < n / 2; ++j) {
    const auto pair = lane_of(z[j].exchanged(), 0) / static_cast<double>(n);
    ASSERT_LE(std::abs(pair - std::complex<double>(x[2 * j].real(), x[2 * j + 1].real())), 4 * tolerance<T>(n)) << n;
  }
}

TEST(Fft, Lengths) {
  for (i64 n = 1; n <= 70; ++n) {
    check<float>(n);
    check<double>(n);
    check<VecF>(n);
  }
  for (const i64 n : {81, 128, 343, 400, 512, 961, 1000, 1009, 1024}) {
    check<VecF>(n);
    check<Vec<double, kLanes == 1 ? 1 : kLanes / 2>>(n);
  }
}

TEST(Fft, RealNumbers) {
  for (i64 n = 2; n <= 74; n += 2) {
    check_real<float>(n);
    check_real<double>(n);
    check_real<VecF>(n);
  }
  check_real<VecF>(400);
}

TEST(Fft, RootsOfUnity) {
  for (const i64 n : {1, 2, 8, 63, 64, 100, 1000}) {
    std::vector<Pair<double>> roots(n);
    unit_roots(roots.data(), n, n);
    for (i64 k = 0; k < n; ++k) {
      const double angle = -2 * M_PI * static_cast<double>(k) / static_cast<double>(n);
      EXPECT_NEAR(roots[k].real, std::cos(angle), 1e-15);
      EXPECT_NEAR(roots[k].imag, std::sin(angle), 1e-15);
    }
  }
}

}  // namespace
}  // namespace tsc::kernels
