// A region without run-time sizes: its buffers are parts of a block of memory that its function is given.
#pragma once

#include "codegen/region_emitter.h"

namespace tsc::codegen {

class PlannedRegion : public RegionEmitter {
 public:
  using RegionEmitter::RegionEmitter;

  int64_t memory_bytes() const { return memory_bytes_; }

 private:
  void emit(Writer& out) override;
  std::string describe() const;

  int64_t memory_bytes_ = 0;
};

}  // namespace tsc::codegen
