// Output of the program. State is the emitted program's own.
#pragma once

#include "runtime/ops/text.h"

namespace tsc::ops {

// print(a, b): the values with spaces between, and a newline, to standard output.
template <class... T>
None print(Context& ctx, const T&... values) {
  if (!ctx.ok()) return {};
  Text text(ctx);
  bool first = true;
  [[maybe_unused]] const auto place = [&](const auto& value) {
    if (!first) text.add(' ');
    first = false;
    write_text(text, value);
  };
  (place(values), ...);
  text.add('\n');
  ctx.print(1, text.data(), text.size());
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
  ctx.print(2, text.data(), text.size());
  return {};
}

}  // namespace tsc::ops
