#include "compiler/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "codegen/native.h"
#include "compiler/diagnostic.h"

namespace tsc {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw CompileError(make_diagnostic(Error::output_not_writable, path, reason));
}

[[noreturn]] void fail_errno(const std::string& path) { fail(path, std::strerror(errno)); }

// The place that is written in the end: a link's target rather than the link.
fs::path final_place(const std::string& path) {
  std::error_code error;
  const fs::path place = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) fail(path, error.message());
  if (const fs::path folder = place.parent_path(); !fs::is_directory(folder, error)) {
    throw CompileError(make_diagnostic(Error::output_folder_missing, path, folder.string()));
  }
  return place;
}

mode_t creation_mask() {
  const mode_t mask = umask(0);
  umask(mask);
  return mask;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  stream.close();
  if (!stream) fail_errno(path);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) {
  const fs::path place = final_place(path);
  path_ = place.string();
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (fs::is_directory(status)) throw CompileError(make_diagnostic(Error::output_is_directory, path));
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw CompileError(make_diagnostic(Error::output_not_a_file, path));
  }
  temporary_ = path_ + ".XXXXXX";
  const int descriptor = mkstemp(temporary_.data());
  if (descriptor < 0) fail_errno(path);
  close(descriptor);
  codegen::remove_on_signal(temporary_);
}

OutputFile::~OutputFile() {
  remove_scratch();
  unlink(temporary_.c_str());
  codegen::keep_on_signal(temporary_);
}

std::string OutputFile::add_scratch_path() {
  scratch_.push_back(fmt::format("{}.{}", temporary_, scratch_.size()));
  codegen::remove_on_signal(scratch_.back());
  return scratch_.back();
}

void OutputFile::remove_scratch() {
  for (const std::string& path : scratch_) {
    unlink(path.c_str());
    codegen::keep_on_signal(path);
  }
  scratch_.clear();
}

void OutputFile::write(const std::string& text) const { write_file(temporary_, text); }

void OutputFile::commit(Mode mode) {
  remove_scratch();
  const mode_t bits = mode == Mode::kExecutable ? 0777 : 0666;
  if (chmod(temporary_.c_str(), bits & ~creation_mask()) != 0) fail_errno(path_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno(path_);
}

OutputFolder::OutputFolder(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  const fs::path place = final_place(trimmed);
  path_ = place.string();
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    throw CompileError(make_diagnostic(Error::output_not_a_directory, path));
  }
  temporary_ = path_ + ".XXXXXX";
  if (mkdtemp(temporary_.data()) == nullptr) fail_errno(path);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

std::string OutputFolder::temporary_path(const std::string& name) const {
  const fs::path path = fs::path(temporary_) / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) fail(path_, error.message());
  return path.string();
}

void OutputFolder::write(const std::string& name, const std::string& text) const {
  write_file(temporary_path(name), text);
}

void OutputFolder::commit() {
  if (chmod(temporary_.c_str(), 0777 & ~creation_mask()) != 0) fail_errno(path_);
  if (rename(temporary_.c_str(), path_.c_str()) == 0) return;  // a new folder, or an empty one
  try {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(temporary_)) {
      const fs::path place = path_ / fs::relative(entry.path(), temporary_);
      if (entry.is_directory()) {
        fs::create_directories(place);
      } else {
        fs::copy_file(entry.path(), place, fs::copy_options::overwrite_existing);
      }
    }
  } catch (const fs::filesystem_error& error) {
    fail(path_, error.code().message());
  }
}

}  // namespace tsc
