// Python's string methods as TorchScript has them: on bytes, with ASCII letters. An `end` of -1 means the end of the
// string, as TorchScript's default arguments do.
#pragma once

#include "runtime/ops/text.h"

namespace tsc::ops {

namespace ascii {
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_alpha(char c) { return is_lower(c) || is_upper(c); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool is_printable(char c) { return c >= ' ' && c <= '~'; }
inline char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
inline char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }
}  // namespace ascii

inline Str str_add(Context& ctx, const Str& a, const Str& b) { return Str::concat(ctx, a, b); }

template <class T>
Str to_str(Context& ctx, const T& x) {
  if constexpr (__is_same(T, Str)) {
    return x;
  } else {
    Text text(ctx);
    write_text(text, x);
    return text.str();
  }
}

// The window [start, end) of a string of `size` bytes, with negative positions counted from the end.
struct StrRange {
  i64 begin, end;
  StrRange(i64 size, i64 start, i64 stop) {
    begin = start < 0 ? tsc::max<i64>(start + size, 0) : start;
    end = tsc::min(stop < 0 ? tsc::max<i64>(stop + size + 1, 0) : stop, size);
  }
  bool valid() const { return begin <= end; }
};
inline bool matches_at(const Str& s, i64 at, const Str& part) {
  return libc::memcmp(s.data() + at, part.data(), static_cast<size_t>(part.size())) == 0;
}
inline i64 find_first(const Str& s, const Str& part, i64 begin, i64 end) {
  for (i64 i = begin; i + part.size() <= end; ++i) {
    if (matches_at(s, i, part)) return i;
  }
  return -1;
}
inline i64 find_last(const Str& s, const Str& part, i64 begin, i64 end) {
  for (i64 i = end - part.size(); i >= begin; --i) {
    if (matches_at(s, i, part)) return i;
  }
  return -1;
}

inline i64 str_find(Context&, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  const StrRange range(self.size(), start, end);
  return range.valid() ? find_first(self, part, range.begin, range.end) : -1;
}
inline i64 str_rfind(Context&, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  const StrRange range(self.size(), start, end);
  return range.valid() ? find_last(self, part, range.begin, range.end) : -1;
}
inline i64 found(Context& ctx, i64 at) {
  if (at >= 0) return at;
  ctx.fail(ErrorKind::kValue, "ValueError: substring not found");
  return 0;
}
inline i64 str_index(Context& ctx, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  return found(ctx, str_find(ctx, self, part, start, end));
}
inline i64 str_rindex(Context& ctx, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  return found(ctx, str_rfind(ctx, self, part, start, end));
}
inline i64 str_count(Context&, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  const StrRange range(self.size(), start, end);
  if (!range.valid()) return 0;
  if (part.empty()) return range.end - range.begin + 1;
  i64 count = 0;
  for (i64 at = range.begin; (at = find_first(self, part, at, range.end)) >= 0; at += part.size()) ++count;
  return count;
}
inline bool str_contains(Context&, const Str& self, const Str& part) {
  return find_first(self, part, 0, self.size()) >= 0;
}
// PyTorch gives `in` of a dict with str keys the same overload name.
template <class V>
bool str_contains(Context&, const Dict<Str, V>& dict, const Str& key) {
  return dict.contains(key);
}
inline bool str_startswith(Context&, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  const StrRange range(self.size(), start, end);
  return range.valid() && part.size() <= range.end - range.begin && matches_at(self, range.begin, part);
}
inline bool str_endswith(Context&, const Str& self, const Str& part, i64 start = 0, i64 end = -1) {
  const StrRange range(self.size(), start, end);
  return range.valid() && part.size() <= range.end - range.begin && matches_at(self, range.end - part.size(), part);
}

inline Str str_getitem(Context& ctx, const Str& self, i64 index) {
  if (!ctx.ok()) return {};
  const i64 at = index < 0 ? index + self.size() : index;
  if (at >= 0 && at < self.size()) return self.slice(at, at + 1);
  return ctx.fail(ErrorKind::kIndex, "string index out of range");
}

// Python's slice over `size` items: first item, number of items, step.
struct SliceRange {
  i64 first = 0, count = 0, step = 1;
  SliceRange(Context& ctx, i64 size, const Optional<i64>& start, const Optional<i64>& end, i64 by) : step(by) {
    if (!ctx.ok()) return;
    if (by == 0) {
      ctx.fail(ErrorKind::kValue, "List slice should have non-zero step");
      return;
    }
    const i64 low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
    const auto place = [&](const Optional<i64>& i, i64 other) {
      if (!i.has_value()) return other;
      return tsc::min(tsc::max(*i < 0 ? *i + size : *i, low), high);
    };
    first = place(start, by > 0 ? low : high);
    const i64 last = place(end, by > 0 ? high : low);
    if (by > 0 && last > first) count = (last - first - 1) / by + 1;
    if (by < 0 && last < first) count = by == INT64_MIN ? 1 : (first - last - 1) / -by + 1;
  }
};
inline Str str_slice(Context& ctx, const Str& self, const Optional<i64>& start = None(),
                     const Optional<i64>& end = None(), i64 step = 1) {
  const SliceRange range(ctx, self.size(), start, end, step);
  if (step == 1) return self.slice(range.first, range.first + range.count);
  Str result = Str::empty(ctx, range.count);
  for (i64 i = 0; i < result.size(); ++i) result.writable()[i] = self[range.first + i * step];
  return result;
}
inline List<Str> str_list(Context& ctx, const Str& self) {
  List<Str> letters = List<Str>::make(ctx, self.size());
  for (i64 i = 0; i < self.size() && ctx.ok(); ++i) letters.append(self.slice(i, i + 1));
  return letters;
}

inline Str str_join(Context& ctx, const Str& self, const List<Str>& values) {
  Text text(ctx);
  for (i64 i = 0; i < values.size(); ++i) {
    if (i > 0) text.add(self);
    text.add(values[i]);
  }
  return text.str();
}

inline List<Str> split_at_spaces(Context& ctx, const Str& self) {
  List<Str> parts = List<Str>::make(ctx);
  for (i64 i = 0; i < self.size() && ctx.ok();) {
    while (i < self.size() && ascii::is_space(self[i])) ++i;
    const i64 begin = i;
    while (i < self.size() && !ascii::is_space(self[i])) ++i;
    if (i > begin) parts.append(self.slice(begin, i));
  }
  return parts;
}
inline List<Str> str_split(Context& ctx, const Str& self, const Optional<Str>& separator = None(), i64 max = -1) {
  if (!ctx.ok()) return {};
  if (!separator.has_value()) return split_at_spaces(ctx, self);
  if (separator->empty()) return ctx.fail(ErrorKind::kValue, "ValueError: empty separator");
  List<Str> parts = List<Str>::make(ctx);
  i64 begin = 0;
  while ((max < 0 || parts.size() < max) && ctx.ok()) {
    const i64 at = find_first(self, *separator, begin, self.size());
    if (at < 0) break;
    parts.append(self.slice(begin, at));
    begin = at + separator->size();
  }
  parts.append(self.slice(begin, self.size()));
  return parts;
}
inline List<Str> str_rsplit(Context& ctx, const Str& self, const Str& separator = " ", i64 max = -1) {
  if (!ctx.ok()) return {};
  if (separator.empty()) return ctx.fail(ErrorKind::kValue, "ValueError: empty separator");
  List<Str> reversed = List<Str>::make(ctx);
  i64 end = self.size();
  while ((max < 0 || reversed.size() < max) && ctx.ok()) {
    const i64 at = find_last(self, separator, 0, end);
    if (at < 0) break;
    reversed.append(self.slice(at + separator.size(), end));
    end = at;
  }
  reversed.append(self.slice(0, end));
  List<Str> parts = List<Str>::make(ctx, reversed.size());
  for (i64 i = reversed.size() - 1; i >= 0; --i) parts.append(reversed[i]);
  return parts;
}
// As PyTorch: "\r\n" ends two lines, the bytes of Unicode's separators end one each, and ends that are kept are lines
// of their own.
inline List<Str> str_splitlines(Context& ctx, const Str& self, bool keepends = false) {
  const auto ends_line = [](char c) {
    for (const char end : "\n\r\v\f\x1c\x1d\x1e\x85\xe2\x80\xa8\xa9") {
      if (c == end && c != 0) return true;
    }
    return false;
  };
  List<Str> lines = List<Str>::make(ctx);
  i64 begin = 0;
  for (i64 i = 0; i < self.size() && ctx.ok(); ++i) {
    if (!ends_line(self[i])) continue;
    lines.append(self.slice(begin, i));
    if (keepends) lines.append(self.slice(i, i + 1));
    begin = i + 1;
  }
  if (begin < self.size()) lines.append(self.slice(begin, self.size()));
  return lines;
}
inline Tuple<Str, Str, Str> parted(const Str& self, i64 at, i64 size) {
  return {self.slice(0, at), self.slice(at, at + size), self.slice(at + size, self.size())};
}
inline Tuple<Str, Str, Str> str_partition(Context& ctx, const Str& self, const Str& separator) {
  const i64 at = str_find(ctx, self, separator);
  if (at < 0) return {self, Str(), Str()};
  return parted(self, at, separator.size());
}
inline Tuple<Str, Str, Str> str_rpartition(Context& ctx, const Str& self, const Str& separator) {
  const i64 at = str_rfind(ctx, self, separator);
  if (at < 0) return {Str(), Str(), self};
  return parted(self, at, separator.size());
}

enum class Side { kLeft, kRight, kBoth };
inline Str stripped(const Str& self, const Str& chars, Side side) {
  const auto is_one = [&](char c) {
    for (i64 i = 0; i < chars.size(); ++i) {
      if (chars[i] == c) return true;
    }
    return false;
  };
  i64 begin = 0, end = self.size();
  while (side != Side::kRight && begin < end && is_one(self[begin])) ++begin;
  while (side != Side::kLeft && begin < end && is_one(self[end - 1])) --end;
  return self.slice(begin, end);
}
inline Str str_strip(Context&, const Str& self, const Str& chars = " \n\t\f\v") {
  return stripped(self, chars, Side::kBoth);
}
inline Str str_lstrip(Context&, const Str& self, const Str& chars = " \n\t\f\v") {
  return stripped(self, chars, Side::kLeft);
}
inline Str str_rstrip(Context&, const Str& self, const Str& chars = " \n\t\f\v") {
  return stripped(self, chars, Side::kRight);
}

inline Str str_replace(Context& ctx, const Str& self, const Str& old, const Str& by, i64 max = -1) {
  Text text(ctx);
  i64 begin = 0, done = 0;
  // An empty pattern stands before every byte and at the end.
  while ((max < 0 || done < max) && ctx.ok()) {
    const i64 at = find_first(self, old, old.empty() ? begin + (done > 0) : begin, self.size());
    if (at < 0) break;
    text.add(self.data() + begin, at - begin);
    text.add(by);
    begin = at + old.size();
    ++done;
  }
  text.add(self.data() + begin, self.size() - begin);
  return text.str();
}

template <class F>
Str map_bytes(Context& ctx, const Str& self, F f) {
  Str result = Str::empty(ctx, self.size());
  for (i64 i = 0; i < result.size(); ++i) result.writable()[i] = f(self[i]);
  return result;
}
inline Str str_upper(Context& ctx, const Str& self) { return map_bytes(ctx, self, ascii::to_upper); }
inline Str str_lower(Context& ctx, const Str& self) { return map_bytes(ctx, self, ascii::to_lower); }
inline Str str_swapcase(Context& ctx, const Str& self) {
  return map_bytes(ctx, self, [](char c) { return ascii::is_lower(c) ? ascii::to_upper(c) : ascii::to_lower(c); });
}
inline Str str_capitalize(Context& ctx, const Str& self) {
  bool first = true;
  return map_bytes(ctx, self, [&](char c) {
    const char changed = first ? ascii::to_upper(c) : ascii::to_lower(c);
    first = false;
    return changed;
  });
}
inline Str str_title(Context& ctx, const Str& self) {
  bool in_word = false;
  return map_bytes(ctx, self, [&](char c) {
    const char changed = in_word ? ascii::to_lower(c) : ascii::to_upper(c);
    in_word = ascii::is_alpha(c);
    return changed;
  });
}

template <class F>
bool all_bytes(const Str& self, F f) {
  for (i64 i = 0; i < self.size(); ++i) {
    if (!f(self[i])) return false;
  }
  return true;
}
inline bool str_isupper(Context&, const Str& self) {
  return all_bytes(self, [](char c) { return !ascii::is_lower(c); }) &&
         !all_bytes(self, [](char c) { return !ascii::is_upper(c); });
}
inline bool str_islower(Context&, const Str& self) {
  return all_bytes(self, [](char c) { return !ascii::is_upper(c); }) &&
         !all_bytes(self, [](char c) { return !ascii::is_lower(c); });
}
inline bool str_isalpha(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_alpha); }
inline bool str_isalnum(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_alnum); }
inline bool str_isdigit(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_digit); }
inline bool str_isdecimal(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_digit); }
inline bool str_isnumeric(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_digit); }
inline bool str_isspace(Context&, const Str& self) { return !self.empty() && all_bytes(self, ascii::is_space); }
inline bool str_isprintable(Context&, const Str& self) { return all_bytes(self, ascii::is_printable); }
// PyTorch's has no underscores.
inline bool str_isidentifier(Context&, const Str& self) {
  return !self.empty() && !ascii::is_digit(self[0]) && all_bytes(self, [](char c) { return ascii::is_alnum(c); });
}
inline bool str_istitle(Context&, const Str& self) {
  bool in_word = false, any = false;
  for (i64 i = 0; i < self.size(); ++i) {
    if (in_word ? ascii::is_upper(self[i]) : ascii::is_lower(self[i])) return false;
    in_word = ascii::is_alpha(self[i]);
    any |= in_word;
  }
  return any;
}

inline bool fill_ok(Context& ctx, const Str& fill) {
  if (fill.size() == 1) return true;
  ctx.fail(ErrorKind::kType, "TypeError: The fill character must be exactly one character long");
  return false;
}
inline Str padded(Context& ctx, const Str& self, i64 left, i64 right, char fill) {
  Text text(ctx);
  text.fill(fill, left);
  text.add(self);
  text.fill(fill, right);
  return text.str();
}
inline Str str_ljust(Context& ctx, const Str& self, i64 width, const Str& fillchar = " ") {
  if (!fill_ok(ctx, fillchar)) return {};
  return padded(ctx, self, 0, width - self.size(), fillchar[0]);
}
inline Str str_rjust(Context& ctx, const Str& self, i64 width, const Str& fillchar = " ") {
  if (!fill_ok(ctx, fillchar)) return {};
  return padded(ctx, self, width - self.size(), 0, fillchar[0]);
}
inline Str str_center(Context& ctx, const Str& self, i64 width, const Str& fillchar = " ") {
  if (!fill_ok(ctx, fillchar)) return {};
  const i64 missing = tsc::max<i64>(width - self.size(), 0);
  const i64 left = missing / 2 + (missing & width & 1);  // as CPython rounds
  return padded(ctx, self, left, missing - left, fillchar[0]);
}
// A sign is not treated apart, as TorchScript does not.
inline Str str_zfill(Context& ctx, const Str& self, i64 width) {
  return padded(ctx, self, width - self.size(), 0, '0');
}
inline Str str_expandtabs(Context& ctx, const Str& self, i64 tabsize = 8) {
  Text text(ctx);
  i64 column = 0;
  for (i64 i = 0; i < self.size(); ++i) {
    if (self[i] == '\t') {
      const i64 spaces = tabsize > 0 ? tabsize - column % tabsize : 0;
      text.fill(' ', spaces);
      column += spaces;
      continue;
    }
    text.add(self[i]);
    column = self[i] == '\n' || self[i] == '\r' ? 0 : column + 1;
  }
  return text.str();
}

// Characters and numbers.

inline i64 ord(Context& ctx, const Str& string) {
  if (string.size() == 1) return static_cast<unsigned char>(string[0]);
  ctx.fail(ErrorKind::kType, "String for ord() must be 1 character, found %lld", static_cast<long long>(string.size()));
  return 0;
}
inline Str chr(Context& ctx, i64 i) {
  if (i < 0 || i >= 0x110000) {
    return ctx.fail(ErrorKind::kValue, "chr() arg not in range(0x110000), found %lld", static_cast<long long>(i));
  }
  const char c = static_cast<char>(i);
  return Str::copy(ctx, &c, 1);
}
inline Str prefixed(Context& ctx, i64 i, const char* prefix, unsigned base) {
  Text text(ctx);
  if (i < 0) text.add('-');
  text.add(prefix);
  write_unsigned(text, i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i), base);
  return text.str();
}
inline Str hex(Context& ctx, i64 i) { return prefixed(ctx, i, "0x", 16); }
inline Str oct(Context& ctx, i64 i) { return prefixed(ctx, i, "0o", 8); }
inline Str bin(Context& ctx, i64 i) { return prefixed(ctx, i, "0b", 2); }
template <class T>
i64 hash(Context&, const T& value) {
  return static_cast<i64>(hash_key(value));
}

// "{}".format(...)

inline i64 format_piece(Text& text, const Str& self, i64 begin) {
  const i64 at = find_first(self, "{}", begin, self.size());
  const i64 end = at < 0 ? self.size() : at;
  text.add(self.data() + begin, end - begin);
  return at < 0 ? -1 : at + 2;
}
template <class... T>
Str format(Context& ctx, const Str& self, const T&... values) {
  Text text(ctx);
  i64 at = 0;
  [[maybe_unused]] const auto place = [&](const auto& value) {
    if (at >= 0) at = format_piece(text, self, at);
    if (at >= 0) write_text(text, value);
  };
  (place(values), ...);
  if (at >= 0 && format_piece(text, self, at) >= 0) {
    return ctx.fail(ErrorKind::kValue, "Too few arguments for format string: %.*s",
                    static_cast<int>(tsc::min<i64>(self.size(), 512)), self.data());
  }
  return text.str();
}

// "%d" % (...)

class PercentFormat {
 public:
  PercentFormat(Text& text, const Str& format) : text_(text), format_(format) {}
  // Copies up to the next specifier and returns its letter, or 0 at the end.
  char next() {
    for (; at_ < format_.size(); ++at_) {
      if (format_[at_] != '%') {
        text_.add(format_[at_]);
        continue;
      }
      const char letter = at_ + 1 < format_.size() ? format_[at_ + 1] : 0;
      if (letter == 0) {
        fail("Incomplete format specifier");
        return 0;
      }
      at_ += 2;
      if (letter != '%') return letter;
      text_.add('%');
      --at_;
    }
    return 0;
  }
  template <class T>
  void place(const T& value) {
    const char letter = next();
    if (!text_.context().ok()) return;
    if (letter == 0) return fail("Too many arguments for format string");
    if (letter == 's' || letter == 'r') return write_text(text_, value);
    if (letter == 'c') return write_char(value);
    if (letter != 'd' && letter != 'i' && letter != 'e' && letter != 'E' && letter != 'f' && letter != 'F') {
      text_.context().fail(ErrorKind::kValue, "The specifier %%%c is not supported in TorchScript format strings",
                           letter);
      return;
    }
    write_number(letter, value);
  }
  void finish() {
    if (next() != 0) fail("Too few arguments for format string");
  }

 private:
  void fail(const char* message) { text_.context().fail(ErrorKind::kValue, "%s", message); }
  template <class T>
  void write_number(char letter, const T& value) {
    if constexpr (requires { Scalar(value); }) {
      write_scalar(letter, Scalar(value));
    } else {
      text_.context().fail(ErrorKind::kType, "%%%c requires a number for formatting", letter);
    }
  }
  void write_scalar(char letter, const Scalar& value) {
    if (letter == 'd' || letter == 'i') return write_text(text_, value.to_int());
    char buffer[400];
    text_.add(buffer, write_double(buffer, sizeof buffer, letter, value.to_double()));
  }
  // PyTorch goes through a float.
  static int write_double(char* buffer, size_t bytes, char letter, double number) {
    const double x = static_cast<double>(static_cast<float>(number));
    if (letter == 'e') return libc::snprintf(buffer, bytes, "%e", x);
    if (letter == 'E') return libc::snprintf(buffer, bytes, "%E", x);
    return libc::snprintf(buffer, bytes, "%f", x);
  }
  template <class T>
  void write_char(const T& value) {
    if constexpr (__is_same(T, i64)) {
      text_.add(static_cast<char>(value));
    } else if constexpr (__is_same(T, Str)) {
      text_.add(value);
    } else {
      fail("%c requires an int or a string for formatting");
    }
  }
  Text& text_;
  const Str& format_;
  i64 at_ = 0;
};
template <class... T>
Str percent_format(Context& ctx, const Str& self, const T&... values) {
  Text text(ctx);
  PercentFormat formatter(text, self);
  (formatter.place(values), ...);
  formatter.finish();
  return text.str();
}
template <class Values, int... I>
Str percent_tuple(Context& ctx, const Str& self, const Values& values, Indices<I...>) {
  return percent_format(ctx, self, values.template get<I>()...);
}
template <class... T>
Str percent_format(Context& ctx, const Str& self, const Tuple<T...>& values) {
  return percent_tuple(ctx, self, values, MakeIndices<static_cast<int>(sizeof...(T))>());
}

}  // namespace tsc::ops
