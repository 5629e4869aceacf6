#include "codegen/region_sizes.h"

#include <fmt/format.h>

#include <algorithm>

namespace tsc::codegen {

using namespace ir;

bool is_total(const Dim::Atom& atom) {
  if (atom.kind == Dim::AtomKind::kSymbol) return true;
  const bool divides = atom.kind == Dim::AtomKind::kFloorDiv || atom.kind == Dim::AtomKind::kMod;
  if (divides && atom.operands[1].constant().value_or(0) == 0) return false;
  return std::ranges::all_of(atom.operands, [](const Dim& operand) {
    return std::ranges::all_of(operand.terms(), [](const Dim::Term& term) {
      return std::ranges::all_of(term.factors, [](const auto& factor) { return is_total(*factor); });
    });
  });
}

std::string atom_name(const Dim::Atom& atom, Scope& names) {
  if (atom.kind == Dim::AtomKind::kSymbol) return names.of(atom.name);
  const std::optional<int64_t> number = atom.operands[1].constant();
  const std::vector<std::string> symbols = atom.operands[0].symbols();
  const std::string wish =
      fmt::format("{}_{}{}", symbols.empty() ? "size" : names.of(symbols[0]), size_function(atom.kind).word,
                  number && *number >= 0 ? fmt::format("_{}", *number) : "");
  return names.of(atom.key, wish);
}

void RegionSizes::add(const Dim& dim, Scope& names) {
  for (const Dim::Term& term : dim.terms()) {
    for (const auto& atom : term.factors) {
      if (fields_.contains(atom->key)) continue;
      if (atom->kind == Dim::AtomKind::kSymbol) {
        symbols_.push_back(atom->name);
        fields_[atom->key] = atom_name(*atom, names);
        continue;
      }
      for (const Dim& operand : atom->operands) add(operand, names);
      if (!is_total(*atom)) continue;
      fields_[atom->key] = atom_name(*atom, names);
      derived_.push_back(atom);
    }
  }
}

std::string RegionSizes::field(const Dim::Atom& atom) const {
  const auto found = fields_.find(atom.key);
  return found == fields_.end() ? "" : found->second;
}

std::string RegionSizes::formula(const Dim::Atom& atom) const {
  return cpp_atom(atom, [this](const Dim::Atom& inner) { return field(inner); });
}

}  // namespace tsc::codegen
