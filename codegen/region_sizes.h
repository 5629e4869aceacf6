// The struct of sizes of a region: symbols, which the caller gives, and atoms of sizes that follow from them, so that
// each is computed once and has a name where it is used.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/emit_common.h"
#include "compiler/ir/dim.h"

namespace tsc::codegen {

// Whether it has a value whatever its symbols are. A divisor that may be 0 is divided by only where the program does.
bool is_total(const ir::Dim::Atom& atom);
// The name of an atom in all of a model: "x_2", or "x_2_over_4" of a quotient, after its first symbol, since the
// formula stands where the name is given.
std::string atom_name(const ir::Dim::Atom& atom, Scope& names);

class RegionSizes {
 public:
  // Adds what `dim` is made of. `names` has the fields' names, which are the same in all of a model's structs.
  void add(const ir::Dim& dim, Scope& names);

  const std::vector<std::string>& symbols() const { return symbols_; }
  // Operands before what is made of them.
  const std::vector<std::shared_ptr<const ir::Dim::Atom>>& derived() const { return derived_; }

  // The field of an atom; "" for what has none.
  std::string field(const ir::Dim::Atom& atom) const;
  // What a derived field is, in terms of others.
  std::string formula(const ir::Dim::Atom& atom) const;

 private:
  std::vector<std::string> symbols_;
  std::vector<std::shared_ptr<const ir::Dim::Atom>> derived_;
  std::map<std::string, std::string, std::less<>> fields_;  // by the atoms' keys
};

}  // namespace tsc::codegen
