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

// raise ClassName(message). A qualified name, "builtins.ValueError", is cut to its last part.
inline None raise(Context& ctx, const Str& message, const Str& class_name) {
  if (!ctx.ok()) return {};
  char name[Error::kClassNameBytes];
  i64 begin = 0;
  for (i64 i = 0; i < class_name.size(); ++i) begin = class_name[i] == '.' ? i + 1 : begin;
  libc::snprintf(name, sizeof name, "%.*s", static_cast<int>(tsc::min<i64>(class_name.size() - begin, 63)),
                 class_name.data() + begin);
  ctx.raise(name, message.data(), message.size());
  return {};
}
inline None raise(Context& ctx, const Str& message, const Optional<Str>& class_name) {
  return raise(ctx, message, class_name.value_or(Str("Exception")));
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
