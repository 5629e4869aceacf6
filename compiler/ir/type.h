// Types of the IR. A Type is a value: copied freely, compared structurally.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/dim.h"

namespace tsc::ir {

// Element types. The codes are PyTorch's ScalarType codes, since TorchScript programs pass them as plain integers.
enum class DType : int8_t {
  kUnknown = -1,
  kUInt8 = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kFloat16 = 5,
  kFloat32 = 6,
  kFloat64 = 7,
  kComplex32 = 8,
  kComplex64 = 9,
  kComplex128 = 10,
  kBool = 11,
  kBFloat16 = 15,
};
std::string_view dtype_name(DType dtype);                 // "f32", "i64", "bool", "?" for unknown
std::string_view dtype_torch_name(DType dtype);           // "float32", for messages
std::string_view dtype_cpp_name(DType dtype);             // "float", "int64_t", "tsc::BFloat16"
std::optional<DType> parse_dtype(std::string_view text);  // accepts both namings
int64_t dtype_size(DType dtype);                          // bytes of an element; 0 for unknown
bool is_floating(DType dtype);
bool is_complex(DType dtype);
// The dtype of a complex number's parts, and that of the numbers which parts make; others stay as they are.
DType real_of(DType dtype);
DType complex_of(DType dtype);
bool is_integral(DType dtype);    // integers, without bool
DType promote(DType a, DType b);  // torch.promote_types

// How a tensor's elements lie in memory inside a region.
struct Layout {
  enum class Kind : uint8_t {
    kPlain,    // row-major, dense
    kBlocked,  // NCHWc: [N][ceil(C / block)][H + 2 halo][W + 2 halo][block], the halo and the padding channels zero
  };
  Kind kind = Kind::kPlain;
  int32_t block = 0;
  int32_t halo = 0;
  friend bool operator==(const Layout&, const Layout&) = default;
};

struct TensorType {
  DType dtype = DType::kUnknown;
  bool rank_known = false;
  std::vector<Dim> dims;  // rank entries when the rank is known; a size that no rule can tell is a fresh symbol
  Layout layout;          // only inside regions
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

using ClassId = uint32_t;

struct Type {
  enum class Kind : uint8_t {
    kTensor,
    kInt,
    kFloat,
    kBool,
    kComplex,
    kNumber /* int, float, bool or complex, told at run time */,
    kStr,
    kNone,
    kDevice,
    kGenerator,
    kList /* [element] */,
    kDict /* [key, value] */,
    kTuple /* [fields...], names for a NamedTuple */,
    kOptional /* [element] */,
    kUnion /* [members...] */,
    kFuture /* [element] */,
    kClass /* class_id */,
    kEnum /* class_id */,
    kInterface /* class_id */,
    kFunction,
    kAny,
  };
  Kind kind = Kind::kNone;
  TensorType tensor;
  std::vector<Type> elements;
  std::vector<std::string> names;
  ClassId class_id = 0;  // of a NamedTuple: the class's index + 1; 0 is a plain tuple

  static Type make(Kind kind, std::vector<Type> elements = {});
  static Type make_tensor(DType dtype = DType::kUnknown);       // rank unknown
  static Type make_tensor(DType dtype, std::vector<Dim> dims);  // rank known
  static Type list(Type element) { return make(Kind::kList, {std::move(element)}); }
  static Type optional(Type element) { return make(Kind::kOptional, {std::move(element)}); }

  bool is(Kind k) const { return kind == k; }
  bool is_tensor() const { return kind == Kind::kTensor; }
  bool is_int_list() const { return kind == Kind::kList && elements[0].kind == Kind::kInt; }
  // A tensor whose dtype and rank are known: what a region can hold.
  bool is_ranked_tensor() const { return is_tensor() && tensor.rank_known && tensor.dtype != DType::kUnknown; }

  // "f32[1, 64, x.2]", "f32[1, 64, 8, 8]{block=8, halo=1}", "f32[*]", "?[*]", "int", "list[f32[*]]", "tuple[int, str]",
  // "tuple[x: int, y: str]", "class.0"
  std::string str() const;
  static std::optional<Type> parse(std::string_view text);
  static std::optional<Type> consume(std::string_view& text);  // parses a prefix and cuts it off `text`
  friend bool operator==(const Type&, const Type&) = default;
};

// The smallest type that both values fit: dims that differ become unknown through `fresh_dim`, ranks or dtypes that
// differ become unknown. Used where control flow joins.
Type join(const Type& a, const Type& b, const std::function<Dim()>& fresh_dim);

}  // namespace tsc::ir
