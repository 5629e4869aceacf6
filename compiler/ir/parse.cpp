#include "compiler/ir/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "compiler/ir/scanner.h"
#include "compiler/ir/tensor_data.h"

namespace tsc::ir {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), scanner_(text), literals_(scanner_, tensors_) {}

  Graph run() {
    parse_tensor_lines();
    for (scanner_.skip_lines(); !scanner_.at_end(); scanner_.skip_lines()) declaration();
    return std::move(graph_);
  }

 private:
  // Tensors come first, since literals that refer to them have their types.
  void parse_tensor_lines() {
    for (size_t begin = 0; begin < text_.size();) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      if (text_.substr(begin, end - begin).starts_with("tensor @")) {
        scanner_.set_rest(text_.substr(begin));
        tensor_line();
        if (scanner_.skip_space(); !scanner_.at_end() && !scanner_.peek("\n") && !scanner_.peek("#")) {
          scanner_.fail("expected the end of the line");
        }
      }
      begin = end + 1;
    }
    scanner_.set_rest(text_);
  }

  void tensor_line() {
    scanner_.expect("tensor @");
    const std::string name = scanner_.expect_word("the name of a tensor");
    scanner_.expect(":");
    const DType dtype = expect_dtype();
    const std::vector<int64_t> sizes = int_list();
    check_sizes(dtype, sizes);
    std::optional<std::vector<int64_t>> strides;
    if (scanner_.take_keyword("strides")) strides = int_list();
    scanner_.expect("=");
    const bool is_numbered = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
    std::shared_ptr<TensorConstant> tensor = contents(is_numbered ? "" : name, dtype, sizes);
    if (strides) restride(*tensor, *strides);
    if (!tensors_.emplace(name, std::move(tensor)).second)
      scanner_.fail(fmt::format("tensor @{} is there twice", name));
  }

  std::vector<int64_t> int_list() {
    std::vector<int64_t> list;
    scanner_.expect("[");
    while (!scanner_.take("]")) {
      if (!list.empty()) scanner_.expect(",");
      list.push_back(scanner_.expect_int());
    }
    return list;
  }

  void check_sizes(DType dtype, const std::vector<int64_t>& sizes) {
    constexpr int64_t kMaxBytes = int64_t{1} << 40;
    int64_t bytes = dtype_size(dtype);
    for (const int64_t size : sizes) {
      if (size < 0 || __builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes) || bytes > kMaxBytes) {
        scanner_.fail("sizes out of range");
      }
    }
  }

  std::shared_ptr<TensorConstant> contents(const std::string& name, DType dtype, const std::vector<int64_t>& sizes) {
    if (scanner_.take_keyword("hash")) {
      scanner_.expect("0x");
      std::shared_ptr<TensorConstant> tensor = make_zero_tensor(name, dtype, sizes);
      tensor->hash_of_missing = scanner_.expect_number<uint64_t>("a hash", 16);
      return tensor;
    }
    std::vector<Element> elements;
    scanner_.expect("[");
    while (!scanner_.take("]")) {
      if (!elements.empty()) scanner_.expect(",");
      elements.push_back(element());
    }
    int64_t count = 1;
    for (const int64_t size : sizes) count *= size;
    if (static_cast<int64_t>(elements.size()) != count) scanner_.fail(fmt::format("expected {} elements", count));
    return make_tensor_constant(name, dtype, sizes, elements);
  }
  Element element() {
    const Literal literal = literals_.literal();
    const auto& value = literal.constant.value;
    if (const auto* v = std::get_if<bool>(&value)) return *v;
    if (const auto* v = std::get_if<int64_t>(&value)) return *v;
    if (const auto* v = std::get_if<double>(&value)) return *v;
    if (const auto* v = std::get_if<std::complex<double>>(&value)) return *v;
    scanner_.fail("expected a number");
  }

  // Lays the elements out anew with these strides.
  void restride(TensorConstant& tensor, const std::vector<int64_t>& strides) {
    int64_t last = 0;
    for (size_t i = 0; i < strides.size(); ++i) {
      int64_t reach = 0;
      if (strides.size() != tensor.sizes.size() || strides[i] < 0 ||
          __builtin_mul_overflow(strides[i], std::max<int64_t>(tensor.sizes[i] - 1, 0), &reach) ||
          __builtin_add_overflow(last, reach, &last) || last > (int64_t{1} << 40)) {
        scanner_.fail("strides out of range");
      }
    }
    const std::vector<Element> elements = tensor.hash_of_missing ? std::vector<Element>() : read_elements(tensor);
    std::vector<Element> laid_out(tensor.hash_of_missing ? 0 : static_cast<size_t>(last + 1), Element(false));
    std::vector<int64_t> index(strides.size(), 0);
    int64_t offset = 0;
    for (const Element& each : elements) {
      laid_out[static_cast<size_t>(offset)] = each;
      for (size_t axis = index.size(); axis-- > 0;) {
        offset += strides[axis];
        if (++index[axis] < tensor.sizes[axis]) break;
        offset -= index[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    const auto with_layout = tensor.hash_of_missing
                                 ? make_zero_tensor(tensor.name, tensor.dtype, {last + 1})
                                 : make_tensor_constant(tensor.name, tensor.dtype, {last + 1}, laid_out);
    tensor.storage = with_layout->storage;
    tensor.strides = strides;
  }

  void declaration() {
    if (scanner_.peek("tensor @")) {
      scanner_.take_comment();  // read before
    } else if (scanner_.take_keyword("graph")) {
      graph_.name = scanner_.expect_string();
    } else if (scanner_.take_keyword("hint")) {
      const std::string symbol = scanner_.expect_word("a symbol");
      scanner_.expect("=");
      graph_.reserve_symbol(symbol);
      graph_.hints[symbol] = scanner_.expect_int();
    } else if (scanner_.take("class.")) {
      class_line();
    } else if (scanner_.take_keyword("state")) {
      state_line();
    } else if (scanner_.take_keyword("require")) {
      require_line();
    } else {
      function();
    }
  }

  // Belongs to the function that follows.
  void require_line() {
    Constraint constraint;
    constraint.function = static_cast<FunctionId>(graph_.functions.size());
    const std::string kind = scanner_.expect_word("what is required");
    if (kind == "size" || kind == "rank" || kind == "dtype") {
      constraint.input = static_cast<uint32_t>(scanner_.expect_int());
    } else if (kind != "equal") {
      scanner_.fail(fmt::format("unknown requirement '{}'", kind));
    }
    if (kind == "size") {
      scanner_.expect(",");
      constraint.axis = static_cast<uint32_t>(scanner_.expect_int());
    }
    scanner_.expect(":");
    if (kind == "rank") {
      constraint.kind = Constraint::Kind::kRank;
      constraint.value = scanner_.expect_int();
    } else if (kind == "dtype") {
      constraint.kind = Constraint::Kind::kDType;
      constraint.value = static_cast<int64_t>(expect_dtype());
    } else {
      constraint.kind = kind == "size" ? Constraint::Kind::kSize : Constraint::Kind::kEqual;
      constraint.lhs = expect_dim();
      scanner_.expect("=");
      constraint.rhs = expect_dim();
    }
    scanner_.expect(",");
    constraint.message = scanner_.expect_string();
    if (scanner_.peek("#")) constraint.source = source(scanner_.take_comment());
    graph_.constraints.push_back(std::move(constraint));
    end_line();
  }

  DType expect_dtype() {
    const std::optional<DType> dtype = parse_dtype(scanner_.take_word());
    if (!dtype) scanner_.fail("expected an element type");
    return *dtype;
  }
  Dim expect_dim() {
    std::string_view rest = scanner_.rest();
    std::optional<Dim> dim = Dim::consume(rest);
    if (!dim) scanner_.fail("expected a size");
    scanner_.set_rest(rest);
    reserve_symbols(*dim);
    return *dim;
  }

  void class_line() {
    if (scanner_.expect_int() != static_cast<int64_t>(graph_.classes.size())) scanner_.fail("classes out of order");
    ClassType type;
    type.name = scanner_.expect_word("the name of a class");
    bool is_enum = false;
    scanner_.expect("(");
    while (!scanner_.take(")")) {
      if (!type.field_names.empty()) scanner_.expect(",");
      type.field_names.push_back(scanner_.expect_word("the name of a field"));
      scanner_.expect(":");
      type.field_types.push_back(expect_type());
      type.enum_values.emplace_back();
      if (scanner_.take("=")) {
        type.enum_values.back() = literals_.literal().constant;
        is_enum = true;
      }
    }
    if (!is_enum) type.enum_values.clear();
    graph_.classes.push_back(std::move(type));
  }

  void state_line() {
    StateField field;
    field.name = scanner_.expect_string();
    scanner_.expect(":");
    field.type = expect_type();
    scanner_.expect("=");
    field.initial = literals_.literal().constant;
    graph_.state.push_back(std::move(field));
  }

  Type expect_type() {
    scanner_.skip_space();
    std::string_view rest = scanner_.rest();
    std::optional<Type> type = Type::consume(rest);
    if (!type) scanner_.fail("expected a type");
    scanner_.set_rest(rest);
    reserve_symbols(*type);
    return *type;
  }
  void reserve_symbols(const Type& type) {
    for (const Dim& dim : type.tensor.dims) reserve_symbols(dim);
    for (const Type& element : type.elements) reserve_symbols(element);
  }
  void reserve_symbols(const Dim& dim) {
    for (const std::string& symbol : dim.symbols()) graph_.reserve_symbol(symbol);
  }

  // "<x.0, 3>" behind a type.
  std::optional<std::vector<Dim>> known_ints() {
    if (!scanner_.take("<")) return std::nullopt;
    std::vector<Dim> ints;
    while (!scanner_.take(">")) {
      if (!ints.empty()) scanner_.expect(",");
      ints.push_back(expect_dim());
    }
    return ints;
  }

  void function() {
    Function function;
    function.is_method = !scanner_.take_keyword("local");
    function.from_trace = scanner_.take_keyword("traced");
    if (!scanner_.take_keyword("func")) scanner_.fail("expected a declaration");
    function.name = scanner_.expect_word("the name of a function");
    function.body = graph_.add_block();
    scope_.clear();
    scanner_.expect("(");
    while (!scanner_.take(")")) {
      if (!function.input_names.empty()) scanner_.expect(",");
      function_param(function);
    }
    block_body(function.body, "return");
    graph_.functions.push_back(std::move(function));
  }

  void function_param(Function& function) {
    const std::string name = expect_value_name();
    std::string input_name = user_name(name);
    if (scanner_.peek("\"")) input_name = scanner_.expect_string();
    param(function.body, name);
    function.input_names.push_back(std::move(input_name));
    function.defaults.emplace_back();
    if (scanner_.take("=")) function.defaults.back() = literals_.literal().constant;
  }

  void param(BlockId block, const std::string& name) {
    scanner_.expect(":");
    Type type = expect_type();
    const ValueId id = graph_.add_param(block, std::move(type), user_name(name));
    graph_.value(id).ints = known_ints();
    define(name, id);
  }

  std::string expect_value_name() {
    scanner_.expect("%");
    return scanner_.expect_word("the name of a value");
  }
  // A number stands for no name.
  static std::string user_name(const std::string& name) {
    const bool is_number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
    return is_number ? std::string() : name;
  }
  void define(const std::string& name, ValueId id) {
    if (!scope_.emplace(name, id).second) scanner_.fail(fmt::format("%{} is defined twice", name));
  }

  void end_line() {
    scanner_.skip_space();
    if (scanner_.peek("#")) scanner_.take_comment();
    if (!scanner_.at_end() && !scanner_.take("\n")) scanner_.fail("expected the end of the line");
  }

  // From the opening brace to the closing one, which stays for the caller to continue the line.
  void block_body(BlockId block, std::string_view terminator) {
    constexpr int kMaxDepth = 200;
    if (++depth_ > kMaxDepth) scanner_.fail("blocks nested too deep");
    scanner_.expect("{");
    end_line();
    for (;;) {
      scanner_.skip_lines();
      if (scanner_.take("}")) break;
      if (scanner_.take_keyword(terminator)) {
        graph_.block(block).results = operands();
        end_line();
        scanner_.skip_lines();
        scanner_.expect("}");
        break;
      }
      node(block);
    }
    --depth_;
  }

  void node(BlockId block) {
    std::vector<std::string> names;
    std::vector<Type> types;
    std::vector<std::optional<std::vector<Dim>>> ints;
    while (scanner_.peek("%")) {
      names.push_back(expect_value_name());
      scanner_.expect(":");
      types.push_back(expect_type());
      ints.push_back(known_ints());
      if (!scanner_.take(",")) scanner_.expect("=");
    }
    const AtenMatch op = op_name();
    std::vector<ValueId> inputs = operands();
    complete_operands(op, inputs);
    const NodeId id = graph_.add_node(block, op.op, std::move(inputs), std::move(types), 0);
    graph_.node(id).form = op.form;
    if (literals_.at_attributes()) attributes(graph_.node(id));
    while (literals_.at_block() || scanner_.peek("do (") || scanner_.take_keyword("else")) inner_block(id);
    if (scanner_.skip_space(); scanner_.peek("#")) graph_.node(id).source = source(scanner_.take_comment());
    end_line();
    for (size_t i = 0; i < names.size(); ++i) {
      const ValueId output = graph_.node(id).outputs[i];
      graph_.value(output).name = user_name(names[i]);
      graph_.value(output).ints = ints[i];
      define(names[i], output);
    }
  }

  AtenMatch op_name() {
    const std::string name = scanner_.expect_word("an operation");
    if (const auto op = find_op(name)) return {*op, Form::kFunctional};
    if (name.ends_with('_')) {
      if (const auto op = find_op(name.substr(0, name.size() - 1))) return {*op, Form::kInPlace};
    }
    scanner_.fail(fmt::format("no operation '{}'", name));
  }

  std::vector<ValueId> operands() {
    std::vector<ValueId> ids;
    if (!scanner_.peek("%") && !literals_.is_next()) return ids;
    do {
      ids.push_back(operand());
    } while (scanner_.take(","));
    return ids;
  }

  ValueId operand() {
    if (scanner_.peek("%")) {
      const std::string name = expect_value_name();
      const auto found = scope_.find(name);
      if (found == scope_.end()) scanner_.fail(fmt::format("%{} is not defined here", name));
      return found->second;
    }
    Literal literal = literals_.literal();
    if (scanner_.take_keyword("as")) {
      literal.type = expect_type();
    }
    return constant(std::move(literal));
  }

  // One value for all uses of a tensor under the same type.
  ValueId constant(Literal literal) {
    const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&literal.constant.value);
    if (!tensor) return graph_.add_constant(std::move(literal.constant), std::move(literal.type));
    const std::pair key(tensor->get(), literal.type.str());
    const auto found = tensor_values_.find(key);
    if (found != tensor_values_.end()) return found->second;
    const std::string name = (*tensor)->name;
    const ValueId id = graph_.add_constant(std::move(literal.constant), std::move(literal.type), name);
    tensor_values_.emplace(key, id);
    return id;
  }

  // Fills defaults in, and refuses what the schema does not allow.
  void complete_operands(const AtenMatch& op, std::vector<ValueId>& inputs) {
    const OpInfo& info = op_info(op.op);
    if (info.schema.empty()) return;
    const size_t expected = info.inputs.size();
    while (inputs.size() < expected && info.inputs[inputs.size()].default_value) {
      inputs.push_back(default_operand(*info.inputs[inputs.size()].default_value));
    }
    if (inputs.size() != expected) {
      scanner_.fail(fmt::format("{} takes {} operands, here are {}", info.name, expected, inputs.size()));
    }
  }
  ValueId default_operand(const std::string& text) {
    Scanner scanner(text);
    Literal literal = LiteralParser(scanner, tensors_).literal();
    // An empty list of a default is one of ints: no other occurs.
    const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&literal.constant.value);
    if (list && (*list)->empty()) literal.type = Type::list(Type::make(Type::Kind::kInt));
    return graph_.add_constant(std::move(literal.constant), std::move(literal.type));
  }

  void attributes(Node& node) {
    scanner_.expect("{");
    do {
      std::string name = scanner_.expect_word("the name of an attribute");
      scanner_.expect("=");
      if (!node.attributes.emplace(name, attribute()).second) scanner_.fail(fmt::format("'{}' is there twice", name));
    } while (scanner_.take(","));
    scanner_.expect("}");
  }

  Attribute attribute() {
    const bool is_empty_strings = scanner_.take_keyword("strings");
    const Literal literal = literals_.literal();
    if (is_empty_strings) return std::vector<std::string>();
    const auto& value = literal.constant.value;
    if (const auto* v = std::get_if<int64_t>(&value)) return *v;
    if (const auto* v = std::get_if<double>(&value)) return *v;
    if (const auto* v = std::get_if<std::string>(&value)) return *v;
    const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&value);
    if (!list) scanner_.fail("this can't be an attribute");
    if (literal.type.elements[0].is(Type::Kind::kStr)) return list_attribute<std::string>(**list);
    return list_attribute<int64_t>(**list);
  }
  template <typename T>
  Attribute list_attribute(const ConstantList& list) {
    std::vector<T> result;
    for (const Constant& each : list) {
      const auto* v = std::get_if<T>(&each.value);
      if (!v) scanner_.fail("this can't be an attribute");
      result.push_back(*v);
    }
    return result;
  }

  void inner_block(NodeId owner) {
    const auto outer_scope = scope_;
    const BlockId block = graph_.add_block(owner);
    if (scanner_.take("do (")) {
      while (!scanner_.take(")")) {
        if (!graph_.block(block).params.empty()) scanner_.expect(",");
        param(block, expect_value_name());
      }
    }
    block_body(block, "yield");
    scope_ = outer_scope;
  }

  // "# model.py:97"; other comments tell no source.
  SourceId source(std::string_view comment) {
    comment.remove_prefix(1);
    while (comment.starts_with(' ')) comment.remove_prefix(1);
    const size_t colon = comment.rfind(':');
    if (colon == std::string_view::npos) return 0;
    const std::string_view digits = comment.substr(colon + 1);
    int line = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), line);
    if (digits.empty() || result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return 0;
    const std::pair key(std::string(comment.substr(0, colon)), line);
    const auto [found, is_new] = sources_.emplace(key, static_cast<SourceId>(graph_.sources.size()));
    if (is_new) graph_.sources.push_back({{{key.first, line, {}, {}}}, {}});
    return found->second;
  }

  std::string_view text_;
  Graph graph_;
  TensorTable tensors_;
  Scanner scanner_;
  LiteralParser literals_;
  std::map<std::string, ValueId, std::less<>> scope_;
  std::map<std::pair<const TensorConstant*, std::string>, ValueId> tensor_values_;
  std::map<std::pair<std::string, int>, SourceId> sources_;
  int depth_ = 0;
};

}  // namespace

std::variant<Graph, ParseError> parse(std::string_view text) {
  try {
    return Parser(text).run();
  } catch (const ParseError& error) {
    return error;
  }
}

}  // namespace tsc::ir
