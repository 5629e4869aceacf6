// A library of two models: `twice` has forward, `length` has only another method.
#include "runtime/core/library.h"

namespace pair {
namespace {

using namespace tsc;

i64 twice(Context&, i64 x) { return 2 * x; }
i64 length(Context&, const Str& text) { return text.size(); }

constexpr tsc_input_info kTwiceInputs[] = {{"x", "int", "", nullptr}};
constexpr tsc_method_info kTwiceMethods[] = {{"forward", "int", kTwiceInputs, 1, 0, 0, 0}};
constexpr MethodCall kTwiceCalls[] = {method_call<&twice>};
constexpr tsc_model_info kTwiceInfo = {"twice", "", "", kTwiceMethods, 1, nullptr, 0, 0};
constexpr ModelTable kTwice = {&kTwiceInfo, kTwiceCalls, {}, nullptr, 0, nullptr, nullptr};

constexpr tsc_input_info kLengthInputs[] = {{"text", "str", "", nullptr}};
constexpr tsc_method_info kLengthMethods[] = {{"of", "int", kLengthInputs, 1, 0, 0, 0}};
constexpr MethodCall kLengthCalls[] = {method_call<&length>};
constexpr tsc_model_info kLengthInfo = {"length", "", "", kLengthMethods, 1, nullptr, 0, 0};
constexpr ModelTable kLength = {&kLengthInfo, kLengthCalls, {}, nullptr, 0, nullptr, nullptr};

constexpr const ModelTable* kModels[] = {&kTwice, &kLength};
constexpr const tsc_model_info* kInfos[] = {&kTwiceInfo, &kLengthInfo};
constexpr LibraryTable kLibrary = {"tsc 0.1.0", kModels, kInfos, 2};

}  // namespace
}  // namespace pair

extern "C" __attribute__((visibility("default"), weak)) const tsc_library* tsc_get_library(uint32_t abi_version) {
  return tsc::serve<pair::kLibrary>(abi_version);
}
extern "C" __attribute__((visibility("default"))) const tsc_library* twice_library(uint32_t abi_version) {
  return tsc::serve<pair::kLibrary>(abi_version);
}
