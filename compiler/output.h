// Files and folders that appear whole or not at all. The constructors check what can be checked before the long work;
// everything is written beside the final place under a temporary name, and `commit` renames it there. Without a commit,
// also when a signal ends the process, what was there before stays as it was. All throw CompileError.
#pragma once

#include <string>
#include <vector>

namespace tsc {

class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& temporary_path() const { return temporary_; }
  // A name for a further temporary file beside it, which is removed by `commit` or with this object.
  std::string add_scratch_path();

  void write(const std::string& text) const;  // the whole content
  enum class Mode { kPlain, kExecutable };
  void commit(Mode mode);

 private:
  void remove_scratch();

  std::string path_;
  std::string temporary_;
  std::vector<std::string> scratch_;
};

class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  // Of a file in it; makes the folders between.
  std::string temporary_path(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;
  void commit();  // files of other names that are in the folder already stay

 private:
  std::string path_;
  std::string temporary_;
};

}  // namespace tsc
