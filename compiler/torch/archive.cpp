#include "compiler/torch/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "compiler/torch/pickle.h"

namespace tsc {
namespace {

using Reader = caffe2::serialize::PyTorchStreamReader;

constexpr std::string_view kLocalHeader = "PK\x03\x04";
constexpr std::string_view kEndRecord = "PK\x05\x06";
constexpr size_t kEndRecordReach = 65536 + 22;  // the longest archive comment, and the record
constexpr int kMaxCodeDepth = 1000;             // open brackets; LibTorch's parser recurses for each
constexpr int kMaxCodeChain = 5000;             // operators of one expression, for the same reason
constexpr uint64_t kInflationSlack = 256u << 20;

std::optional<Diagnostic> check_is_readable(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return make_diagnostic(Error::missing_file);
    return make_diagnostic(Error::unreadable_file, std::string(std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) return make_diagnostic(Error::not_a_file);
  if (!std::ifstream(path, std::ios::binary)) {
    return make_diagnostic(Error::unreadable_file, std::string(std::strerror(errno)));
  }
  return std::nullopt;
}

// The zip's signatures at both ends.
std::optional<Diagnostic> check_is_zip(const std::string& path, uint64_t& file_size) {
  std::ifstream file(path, std::ios::binary);
  std::string head(4, '\0');
  file.read(head.data(), 4);
  file.clear();
  file.seekg(0, std::ios::end);
  file_size = static_cast<uint64_t>(file.tellg());
  if (file_size >= 2 && head[0] == '\x80' && head[1] <= '\x05' && head[1] > 0) {
    return make_diagnostic(Error::not_torchscript);
  }
  if (file_size < 4 || head != kLocalHeader) return make_diagnostic(Error::not_an_archive);
  const uint64_t reach = std::min<uint64_t>(file_size, kEndRecordReach);
  std::string tail(reach, '\0');
  file.seekg(static_cast<std::streamoff>(file_size - reach));
  file.read(tail.data(), static_cast<std::streamsize>(reach));
  if (tail.rfind(kEndRecord) == std::string::npos) {
    return make_diagnostic(Error::truncated_archive, std::string("its end is missing"));
  }
  return std::nullopt;
}

std::string record_text(Reader& reader, const std::string& name) {
  const auto [data, size] = reader.getRecord(name);
  return std::string(static_cast<const char*>(data.get()), size);
}

// Expressions that would overflow the stack of LibTorch's recursive parser.
std::optional<std::string> check_code(std::string_view code) {
  int depth = 0;
  int chain = 0;
  char quote = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    switch (c) {
      case '"':
      case '\'':
        quote = c;
        break;
      case '(':
      case '[':
      case '{':
        ++depth;
        break;
      case ')':
      case ']':
      case '}':
        --depth;
        break;
      case ',':
        chain = 0;
        break;
      case '\n':
        chain = depth > 0 ? chain : 0;
        break;
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '~':
      case '&':
      case '|':
      case '^':
      case '.':
        ++chain;
        break;
      default:
        break;
    }
    if (depth > kMaxCodeDepth) return "its code nests brackets deeper than " + std::to_string(kMaxCodeDepth);
    if (chain > kMaxCodeChain)
      return "its code has an expression of more than " + std::to_string(kMaxCodeChain) + " operators";
  }
  return std::nullopt;
}

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

// One pickle and the records that its tensors lie in.
std::optional<std::string> check_pickle(Reader& reader, const std::string& pickle, const std::string& folder) {
  const auto scanned = scan_pickle(record_text(reader, pickle));
  if (const auto* reason = std::get_if<std::string>(&scanned)) return *reason;
  for (const StorageNeed& need : std::get<std::vector<StorageNeed>>(scanned)) {
    const std::string record = folder + need.key;
    if (!reader.hasRecord(record)) return "the record " + record + " of a tensor is missing";
    const size_t size = reader.getRecordSize(record);
    if (size < static_cast<uint64_t>(need.bytes)) {
      return "the record " + record + " has " + std::to_string(size) + " bytes, but its tensors need " +
             std::to_string(need.bytes);
    }
  }
  return std::nullopt;
}

std::optional<Diagnostic> check_records(const std::string& path, uint64_t file_size) {
  Reader reader(path);
  const std::vector<std::string> records = reader.getAllRecords();
  std::set<std::string> names;
  uint64_t total = 0;
  bool has_code = false;
  for (const std::string& record : records) {
    if (!names.insert(record).second) {
      return make_diagnostic(Error::truncated_archive, "it has two records named " + record);
    }
    has_code = has_code || record.rfind("code/", 0) == 0;
    total += reader.getRecordSize(record);
  }
  if (names.contains("archive_format") || names.contains("models/model.json") ||
      names.contains("serialized_exported_program.json")) {
    return make_diagnostic(Error::exported_program);
  }
  if (!has_code || !names.contains("constants.pkl") || !names.contains("data.pkl")) {
    if (names.contains("data.pkl")) return make_diagnostic(Error::not_torchscript);
    return make_diagnostic(Error::bad_archive, std::string("it has no data.pkl, constants.pkl or code"));
  }
  if (total > 4 * file_size + kInflationSlack) {
    return make_diagnostic(Error::truncated_archive, std::string("its records are far larger than the file"));
  }
  for (const auto& [pickle, folder] : {std::pair{"data.pkl", "data/"}, {"constants.pkl", "constants/"}}) {
    if (auto reason = check_pickle(reader, pickle, folder)) return make_diagnostic(Error::truncated_archive, *reason);
  }
  for (const std::string& record : records) {
    if (record.rfind("code/", 0) != 0 || !ends_with(record, ".py")) continue;
    if (auto reason = check_code(record_text(reader, record))) return make_diagnostic(Error::bad_archive, *reason);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Diagnostic> check_archive(const std::string& path) {
  if (auto diagnostic = check_is_readable(path)) return diagnostic;
  uint64_t file_size = 0;
  if (auto diagnostic = check_is_zip(path, file_size)) return diagnostic;
  try {
    return check_records(path, file_size);
  } catch (const std::exception& error) {
    // The reader's own words end where it starts to guess at causes.
    const std::string text = error.what();
    return make_diagnostic(Error::truncated_archive, text.substr(0, text.find_first_of(".\n")));
  }
}

}  // namespace tsc
