// Output of the program. State is the emitted program's own.
#pragma once

#include "runtime/ops/text.h"

namespace tsc::ops {

inline void write_all(int file, const Text& text) {
  i64 done = 0;
  while (done < text.size()) {
    const intptr_t count = libc::write(file, text.data() + done, static_cast<size_t>(text.size() - done));
    if (count <= 0) return;  // as a full disk or a closed pipe: a print must not fail the program
    done += count;
  }
}

// print(a, b): the values with spaces between, and a newline, to standard output.
template <class... T>
None print(Context& ctx, const T&... values) {
  if (!ctx.ok()) return {};
  Text text(ctx);
  bool first = true;
  const auto place = [&](const auto& value) {
    if (!first) text.add(' ');
    first = false;
    write_text(text, value);
  };
  (place(values), ...);
  text.add('\n');
  if (ctx.ok()) write_all(1, text);
  return {};
}

// warnings.warn: one line on standard error.
inline None warn(Context& ctx, const Str& message, i64 = 2) {
  if (!ctx.ok()) return {};
  Text text(ctx);
  text.add("Warning: ");
  text.add(message);
  text.add('\n');
  if (ctx.ok()) write_all(2, text);
  return {};
}

}  // namespace tsc::ops
