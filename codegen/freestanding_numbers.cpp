// Numbers: elements of tensors, arithmetic and comparisons.
#include <algorithm>
#include <cmath>

#include "codegen/freestanding_method.h"

namespace tsc::codegen::freestanding {

// The only element of a tensor.
void MethodEmitter::emit_element(const Node& node) {
  const Type& from = type(node.inputs[0]);
  if (!has_fixed_size(from) || count_of(from) != 1 || !is_c_element(from.tensor.dtype)) return refuse_op(node);
  const Item tensor = item_of(node.inputs[0]);
  const Kind own = is_floating(from.tensor.dtype)      ? Kind::kFloat
                   : from.tensor.dtype == DType::kBool ? Kind::kBool
                                                       : Kind::kInt;
  const Kind wanted = node.op == Op::tensor_to_int     ? Kind::kInt
                      : node.op == Op::tensor_to_float ? Kind::kFloat
                      : node.op == Op::tensor_to_bool  ? Kind::kBool
                                                       : own;
  // Read now: the memory may be another's when the number is used.
  const std::string name = local_name(node.outputs[0]);
  body_.line("const {} {} = *{};", cpp_element(from.tensor.dtype), name, tensor.text.within(Precedence::kUnary));
  Item result = number({name}, wanted);
  if (own == Kind::kFloat && wanted == Kind::kInt) result.text = {fmt::format("truncate({})", name)};
  if (own == Kind::kInt && wanted == Kind::kInt && from.tensor.dtype != DType::kInt64)
    result.text = {fmt::format("i64{{{}}}", name)};
  if (own == Kind::kBool && wanted == Kind::kInt) result.text = {fmt::format("static_cast<i64>({})", name)};
  if (own != Kind::kFloat && wanted == Kind::kFloat) result.text = {fmt::format("static_cast<double>({})", name)};
  if (own != Kind::kBool && wanted == Kind::kBool) result.text = {fmt::format("{} != 0", name), Precedence::kEquality};
  result.text.kind = wanted;
  result.is_single = own == Kind::kFloat && wanted == Kind::kFloat && from.tensor.dtype == DType::kFloat32;
  items_[node.outputs[0]] = result;
}

// A float as a double, which a controller without doubles should not see where it can be helped.
Expression MethodEmitter::as_number(ValueId id) {
  const Item item = item_of(id);
  if (!item.is_single) return item.text;
  Expression wide{fmt::format("static_cast<double>({})", item.text.text)};
  wide.kind = Kind::kFloat;
  return wide;
}

bool MethodEmitter::emit_number(const Node& node) {
  if (node.outputs.size() != 1) return false;
  Item result{.what = Item::What::kNumber};
  if (const auto single = single_comparison(node)) {
    result.text = *single;
    result.text.kind = Kind::kBool;
  } else if (const auto expression = number_form(node)) {
    result.text = *expression;
    if (!result.text.kind) result.text.kind = result_kind(node);
  } else {
    return false;
  }
  // A number that is used more than once, or that the user has named, is computed once.
  if (uses_[node.outputs[0]] > 1 && result.text.precedence != Precedence::kPrimary) {
    const std::string name = local_name(node.outputs[0]);
    const Kind kind = *result.text.kind;
    body_.line("const {} {} = {};", number_type(Type::make(kind)), name, result.text.text);
    result.text = {name};
    result.text.kind = kind;
  }
  items_[node.outputs[0]] = result;
  return true;
}

Kind MethodEmitter::result_kind(const Node& node) {
  const Type& t = type(node.outputs[0]);
  if (!t.is(Kind::kNumber)) return t.kind;
  const bool is_float = std::ranges::any_of(
      node.inputs, [&](ValueId id) { return as_number(id).kind == Kind::kFloat || type(id).is(Kind::kFloat); });
  return is_float ? Kind::kFloat : Kind::kInt;
}

std::optional<Expression> MethodEmitter::number_form(const Node& node) {
  const auto kind_of = [&](size_t i) {
    return type(node.inputs[i]).is(Kind::kNumber) ? as_number(node.inputs[i]).kind : type(node.inputs[i]).kind;
  };
  const auto divisor = node.inputs.size() > 1 ? graph_.as_int(node.inputs[1]) : std::nullopt;
  const auto call = [&](const char* name) {
    std::string operands;
    for (const ValueId input : node.inputs) operands += (operands.empty() ? "" : ", ") + as_number(input).text;
    return Expression{fmt::format("{}({})", name, operands)};
  };
  switch (node.op) {
    case Op::scalar_floordiv:
    case Op::scalar_remainder:
      if (kind_of(0) != Kind::kInt || !divisor || *divisor == 0 || *divisor == -1) return {};
      return call(node.op == Op::scalar_floordiv ? "floor_div" : "floor_mod");
    case Op::to_int:
      if (kind_of(0) == Kind::kInt) return as_number(node.inputs[0]);
      if (kind_of(0) == Kind::kFloat) return call("truncate");
      return call("static_cast<i64>");
    case Op::to_bool:
      if (kind_of(0) == Kind::kFloat)
        return Expression{as_number(node.inputs[0]).within(Precedence::kComparison) + " != 0", Precedence::kEquality};
      break;
    case Op::range_length:
      if (const auto step = graph_.as_int(node.inputs[2]); !step || *step == 0) return {};
      return call("range_length");
    case Op::derive_index: {
      if (graph_.as_int(node.inputs[1]) == 0 && graph_.as_int(node.inputs[2]) == 1) return as_number(node.inputs[0]);
      return Expression{fmt::format("wrap_add({}, wrap_mul({}, {}))", as_number(node.inputs[1]).text,
                                    as_number(node.inputs[0]).text, as_number(node.inputs[2]).text)};
    }
    default:
      break;
  }
  for (const ValueId input : node.inputs) {
    if (item_of(input).what != Item::What::kNumber) return {};
  }
  return number_expression(graph_, node, [&](ValueId id) { return as_number(id); });
}

// A comparison of a float32's value, in that type: with another, or with a constant, which is rounded to where the
// answer is the same for all floats.
std::optional<Expression> MethodEmitter::single_comparison(const Node& node) {
  struct Sign {
    Op op;
    const char* text;
    bool is_up;  // of x < c and x >= c, c is rounded up
  };
  constexpr Sign kSigns[] = {{Op::scalar_lt, "<", true},
                             {Op::scalar_ge, ">=", true},
                             {Op::scalar_le, "<=", false},
                             {Op::scalar_gt, ">", false}};
  for (const Sign& sign : kSigns) {
    if (sign.op != node.op) continue;
    const Item a = item_of(node.inputs[0]), b = item_of(node.inputs[1]);
    const auto limit = [](double c, bool is_up) {
      const auto rounded = static_cast<float>(c);
      const double back = rounded;
      if (is_up ? back >= c : back <= c) return rounded;
      return std::nextafterf(rounded, is_up ? INFINITY : -INFINITY);
    };
    if (a.is_single && b.is_single) {
      return Expression{
          fmt::format("{} {} {}", a.text.within(Precedence::kSum), sign.text, b.text.within(Precedence::kSum)),
          Precedence::kComparison};
    }
    const auto c = graph_.as_double(node.inputs[a.is_single ? 1 : 0]);
    if (!(a.is_single || b.is_single) || !c || std::isnan(*c)) return {};
    if (a.is_single) {
      return Expression{fmt::format("{} {} {}", a.text.within(Precedence::kSum), sign.text,
                                    float_literal(limit(*c, sign.is_up), false)),
                        Precedence::kComparison};
    }
    return Expression{fmt::format("{} {} {}", float_literal(limit(*c, !sign.is_up), false), sign.text,
                                  b.text.within(Precedence::kSum)),
                      Precedence::kComparison};
  }
  return {};
}

}  // namespace tsc::codegen::freestanding
