#include "compiler/torch/input_spec.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

namespace tsc {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.') return false;
  }
  return text.front() != '.' && text.back() != '.';
}

std::optional<int64_t> parse_size(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// Reads one dim; the text of the result is the reason when it isn't one.
std::variant<DimSpec, std::string> parse_dim(std::string_view text) {
  DimSpec dim;
  if (text == "?") return dim;
  if (const auto equals = text.find('='); equals != std::string_view::npos) {
    dim.symbol = trim(text.substr(0, equals));
    if (!is_identifier(dim.symbol)) return fmt::format("'{}' is no name for a size", dim.symbol);
    text = trim(text.substr(equals + 1));
    if (text.find("..") == std::string_view::npos) return fmt::format("'{}' is no range such as 1..8", text);
  }
  if (const auto dots = text.find(".."); dots != std::string_view::npos) {
    dim.low = parse_size(trim(text.substr(0, dots)));
    dim.high = parse_size(trim(text.substr(dots + 2)));
    if (!dim.low || !dim.high) return fmt::format("'{}' is no range such as 1..8", text);
    if (*dim.low > *dim.high) return fmt::format("the range '{}' is empty", text);
    if (*dim.low == *dim.high && dim.symbol.empty()) return DimSpec{.constant = dim.low};
    return dim;
  }
  dim.constant = parse_size(text);
  if (dim.constant) return dim;
  if (!is_identifier(text)) return fmt::format("'{}' is no size: write 3, h, 1..8, h=1..8 or ?", text);
  dim.symbol = text;
  return dim;
}

std::optional<std::string> parse_dims(std::string_view text, InputSpec& spec) {
  spec.rank_known = true;
  text = trim(text);
  if (text == "*") {
    spec.rank_known = false;
    return std::nullopt;
  }
  while (!text.empty()) {
    const size_t comma = text.find(',');
    auto dim = parse_dim(trim(text.substr(0, comma)));
    if (const auto* reason = std::get_if<std::string>(&dim)) return *reason;
    spec.dims.push_back(std::get<DimSpec>(std::move(dim)));
    if (comma == std::string_view::npos) break;
    text = trim(text.substr(comma + 1));
    if (text.empty()) return "a size is missing after the last comma";
  }
  return std::nullopt;
}

}  // namespace

ir::Type InputSpec::type(std::string_view input_name) const {
  if (!rank_known) return ir::Type::make_tensor(dtype);
  std::vector<ir::Dim> sizes;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const DimSpec& dim = dims[axis];
    if (dim.constant) {
      sizes.emplace_back(*dim.constant);
    } else {
      sizes.push_back(ir::Dim::symbol(dim.symbol.empty() ? fmt::format("{}.{}", input_name, axis) : dim.symbol));
    }
  }
  return ir::Type::make_tensor(dtype, std::move(sizes));
}

std::variant<InputSpec, std::string> parse_input_spec(std::string_view text) {
  InputSpec spec;
  text = trim(text);
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    spec.name = trim(text.substr(0, colon));
    if (!is_identifier(spec.name)) return fmt::format("'{}' is no name of an input", spec.name);
    text = trim(text.substr(colon + 1));
  }
  const size_t open = text.find('[');
  const std::string_view dtype = trim(text.substr(0, open));
  if (dtype.empty()) return std::string("the dtype is missing");
  if (dtype != "?") {
    const auto parsed = ir::parse_dtype(dtype);
    if (!parsed) return fmt::format("'{}' is no dtype: write f32, i64, bool, ... or ?", dtype);
    spec.dtype = *parsed;
  }
  if (open == std::string_view::npos) return spec;
  if (text.back() != ']') return std::string("the closing ']' is missing");
  if (auto reason = parse_dims(text.substr(open + 1, text.size() - open - 2), spec)) return *reason;
  return spec;
}

}  // namespace tsc
