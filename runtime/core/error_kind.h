// What went wrong, as a code.
#pragma once

#include <stdint.h>

namespace tsc {

// The codes are those of tsc_status in tsc.h.
enum class ErrorKind : int32_t {
  kOk = 0,
  kInvalidArgument = 1,  // a call that breaks the ABI's rules: null, unknown name, wrong number of inputs
  kType = 2,             // TypeError, and an input of the wrong type or dtype
  kShape = 3,            // sizes that do not fit
  kIndex = 4,            // IndexError
  kKey = 5,              // KeyError
  kValue = 6,            // ValueError
  kRuntime = 7,          // RuntimeError: any other refusal of an op
  kRaised = 8,           // the program's own `raise` or `assert`
  kOutOfMemory = 9,
  kUnsupported = 10,  // a dtype or device that the library does not have
  kBusy = 11,         // a stateful instance that another thread is using
  kInternal = 12,
};

}  // namespace tsc
