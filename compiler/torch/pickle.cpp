#include "compiler/torch/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

namespace tsc {
namespace {

constexpr int kMaxDepth = 1000;

// What the scan keeps of a value.
struct Item {
  enum class Kind : uint8_t { kOther, kMark, kText, kInt, kGlobal, kTuple };
  Kind kind = Kind::kOther;
  int depth = 0;
  int64_t number = 0;
  std::string text = {};
  std::vector<Item> parts = {};  // of a tuple without tuples in it; enough for a storage's description
};

struct BadPickle : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int64_t element_size(std::string_view storage_type) {
  static const std::map<std::string_view, int64_t> sizes = {
      {"FloatStorage", 4},   {"DoubleStorage", 8}, {"HalfStorage", 2},           {"BFloat16Storage", 2},
      {"LongStorage", 8},    {"IntStorage", 4},    {"ShortStorage", 2},          {"CharStorage", 1},
      {"ByteStorage", 1},    {"BoolStorage", 1},   {"ComplexDoubleStorage", 16}, {"ComplexFloatStorage", 8},
      {"QInt8Storage", 1},   {"QUInt8Storage", 1}, {"QInt32Storage", 4},         {"QUInt4x2Storage", 1},
      {"QUInt2x4Storage", 1}};
  const size_t dot = storage_type.rfind('.');
  const auto found = sizes.find(storage_type.substr(dot == std::string_view::npos ? 0 : dot + 1));
  return found == sizes.end() ? 1 : found->second;
}

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : bytes_(bytes) {}

  std::vector<StorageNeed> run() {
    while (true) {
      const auto code = static_cast<unsigned char>(take(1)[0]);
      if (code == '.') return std::move(needs_);
      step(code);
    }
  }

 private:
  std::string_view take(size_t count) {
    if (count > bytes_.size() - position_) throw BadPickle("a pickle ends too early");
    position_ += count;
    return bytes_.substr(position_ - count, count);
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) throw BadPickle("a pickle ends too early");
    std::string text(take(end - position_));
    take(1);
    return text;
  }

  void push(Item item) { stack_.push_back(std::move(item)); }
  void push_text(size_t size) { push({.kind = Item::Kind::kText, .text = std::string(take(size))}); }
  void push_int(int64_t value) { push({.kind = Item::Kind::kInt, .number = value}); }
  Item pop() {
    if (stack_.empty()) throw BadPickle("a pickle takes from an empty stack");
    Item item = std::move(stack_.back());
    stack_.pop_back();
    return item;
  }
  std::vector<Item> pop_to_mark() {
    std::vector<Item> items;
    while (true) {
      Item item = pop();
      if (item.kind == Item::Kind::kMark) break;
      items.push_back(std::move(item));
    }
    std::reverse(items.begin(), items.end());
    return items;
  }
  static int depth_of(const std::vector<Item>& items) {
    int depth = 0;
    for (const Item& item : items) depth = std::max(depth, item.depth);
    if (depth >= kMaxDepth) throw BadPickle(fmt::format("values are nested deeper than {}", kMaxDepth));
    return depth + 1;
  }
  void push_tuple(std::vector<Item> items) {
    Item tuple{.kind = Item::Kind::kTuple, .depth = depth_of(items)};
    if (items.size() <= 8) {
      for (Item& item : items) item.parts.clear();
      tuple.parts = std::move(items);
    }
    push(std::move(tuple));
  }
  void push_tuple(size_t count) {
    std::vector<Item> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push_tuple(std::move(items));
  }
  // `items` go into the container below them.
  void add_to_top(const std::vector<Item>& items) {
    if (stack_.empty()) throw BadPickle("a pickle takes from an empty stack");
    stack_.back().depth = std::max(stack_.back().depth, depth_of(items));
  }
  void persistent_id() {
    const Item id = pop();
    const bool is_storage = id.kind == Item::Kind::kTuple && id.parts.size() >= 5 && id.parts[0].text == "storage" &&
                            id.parts[1].kind == Item::Kind::kGlobal && id.parts[2].kind == Item::Kind::kText &&
                            id.parts[4].kind == Item::Kind::kInt;
    if (!is_storage) throw BadPickle("a tensor's storage is described in an unknown way");
    int64_t bytes = 0;
    if (id.parts[4].number < 0 || __builtin_mul_overflow(id.parts[4].number, element_size(id.parts[1].text), &bytes)) {
      throw BadPickle("a tensor's storage has no possible size");
    }
    needs_.push_back({id.parts[2].text, bytes});
    push({});
  }
  void long_integer() {
    const auto size = number<uint8_t>();
    if (size > 8) throw BadPickle("an integer has more than 64 bits");
    const std::string_view digits = take(size);
    int64_t value = size > 0 && (digits.back() & 0x80) ? -1 : 0;
    std::memcpy(&value, digits.data(), size);
    push_int(value);
  }

  void step(unsigned char code) {
    switch (code) {
      case 0x80:
        take(1);
        break;  // PROTO
      case '(':
        push({.kind = Item::Kind::kMark});
        break;  // MARK
      case ')':
        push_tuple(size_t{0});
        break;  // EMPTY_TUPLE
      case 't':
        push_tuple(pop_to_mark());
        break;  // TUPLE
      case 0x85:
        push_tuple(size_t{1});
        break;  // TUPLE1
      case 0x86:
        push_tuple(size_t{2});
        break;  // TUPLE2
      case 0x87:
        push_tuple(size_t{3});
        break;    // TUPLE3
      case ']':   // EMPTY_LIST
      case '}':   // EMPTY_DICT
      case 'N':   // NONE
      case 0x88:  // NEWTRUE
      case 0x89:
        push({});
        break;  // NEWFALSE
      case 'a':
        add_to_top({pop()});
        break;   // APPEND
      case 'e':  // APPENDS
      case 'u':
        add_to_top(pop_to_mark());
        break;     // SETITEMS
      case 's': {  // SETITEM
        Item value = pop();
        add_to_top({pop(), std::move(value)});
        break;
      }
      case 'X':
        push_text(number<uint32_t>());
        break;  // BINUNICODE
      case 'T':
        push_text(number<uint32_t>());
        break;  // BINSTRING
      case 'U':
        push_text(number<uint8_t>());
        break;  // SHORT_BINSTRING
      case 'K':
        push_int(number<uint8_t>());
        break;  // BININT1
      case 'M':
        push_int(number<uint16_t>());
        break;  // BININT2
      case 'J':
        push_int(number<int32_t>());
        break;  // BININT
      case 0x8a:
        long_integer();
        break;  // LONG1
      case 'G':
        take(8);
        push({});
        break;     // BINFLOAT
      case 'c': {  // GLOBAL
        std::string module = line();
        push({.kind = Item::Kind::kGlobal, .text = module + "." + line()});
        break;
      }
      case 'Q':
        persistent_id();
        break;     // BINPERSID
      case 0x81:   // NEWOBJ
      case 'R': {  // REDUCE
        Item operands = pop();
        pop();
        push({.depth = operands.depth});
        break;
      }
      case 'b':
        add_to_top({pop()});
        break;  // BUILD
      case '0':
        pop();
        break;  // POP
      case 'q':
        memo_[number<uint8_t>()] = top();
        break;  // BINPUT
      case 'r':
        memo_[number<uint32_t>()] = top();
        break;  // LONG_BINPUT
      case 'h':
        recall(number<uint8_t>());
        break;  // BINGET
      case 'j':
        recall(number<uint32_t>());
        break;  // LONG_BINGET
      default:
        throw BadPickle(fmt::format("a pickle has the opcode {:#x}, which TorchScript never writes", code));
    }
  }
  const Item& top() {
    if (stack_.empty()) throw BadPickle("a pickle takes from an empty stack");
    return stack_.back();
  }
  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) throw BadPickle("a pickle refers to a value that it hasn't made");
    push(found->second);
  }

  std::string_view bytes_;
  size_t position_ = 0;
  std::vector<Item> stack_;
  std::map<uint32_t, Item> memo_;
  std::vector<StorageNeed> needs_;
};

}  // namespace

std::variant<std::vector<StorageNeed>, std::string> scan_pickle(std::string_view bytes) {
  try {
    return Scanner(bytes).run();
  } catch (const BadPickle& error) {
    return std::string(error.what());
  }
}

}  // namespace tsc
