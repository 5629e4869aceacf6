// Fourier transforms: of real numbers only half of the last dim is kept.
#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {

bool infer_transform(const Rule& rule) {
  if (rule.node.op == Op::fft_c2c || rule.node.form != Form::kFunctional) return false;
  const bool from_real = rule.node.op == Op::fft_r2c;
  const DType dtype = from_real ? complex_of(promote_float(rule.dtype(0))) : real_of(rule.dtype(0));
  Shape shape = rule.shape(0);
  const auto dims = rule.integers(rule.at("dim"));
  const auto axis = shape && dims && !dims->empty() ? rule.wrap_axis(dims->back(), shape->size()) : std::nullopt;
  const auto onesided = from_real ? rule.boolean(rule.at("onesided")) : std::optional(true);
  if (!shape || shape->empty()) {
    shape.reset();
  } else if (!axis || !onesided) {
    shape = rule.fresh_dims(0, shape->size());
  } else if (*onesided) {
    const auto size = from_real ? std::optional(floor_div((*shape)[*axis], 2) + 1) : rule.dim(rule.at("last_dim_size"));
    (*shape)[*axis] = size ? *size : rule.fresh(0, *axis);
  }
  rule.set_tensor(0, dtype, shape);
  return true;
}

}  // namespace tsc::ir::inference
