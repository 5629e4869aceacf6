#include "codegen/device_compiler.h"

#include <spawn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "codegen/emit_launch.h"
#include "codegen/runtime_files.h"
#include "compiler/diagnostic.h"
#include "compiler/ir/assert.h"

namespace tsc::codegen {
namespace {

namespace fs = std::filesystem;

// A folder that goes with the object, unless it is kept for a bug report.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "tsc-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) {
      throw CompileError(make_diagnostic(Error::output_not_writable, path_, std::strerror(errno)));
    }
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  std::string keep() { return std::exchange(path_, ""); }

  std::string of(std::string_view name) const { return (fs::path(path_) / name).string(); }
  void write(std::string_view name, std::string_view text) const {
    std::error_code ignored;
    fs::create_directories(fs::path(of(name)).parent_path(), ignored);
    std::ofstream file(of(name), std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) throw CompileError(make_diagnostic(Error::output_not_writable, of(name), std::strerror(errno)));
  }
  std::string read(std::string_view name) const {
    std::ostringstream text;
    text << std::ifstream(of(name), std::ios::binary).rdbuf();
    return std::move(text).str();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a program left behind.
struct Ending {
  bool succeeded;
  std::string how;  // "exit code 2", "signal 9"
  std::string text;
};

// Runs a program of the search path inside the folder, so that no path of this machine gets into what it writes.
Ending run(const std::vector<std::string>& command, const TemporaryFolder& folder, const Target& target) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const std::string log = folder.of("log");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.path().c_str());
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t process = 0;
  const int error = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw CompileError(make_diagnostic(Error::no_device_compiler, command[0], target.name, std::strerror(error)));
  }
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                            : fmt::format("signal {}", WTERMSIG(status));
  return {WIFEXITED(status) && WEXITSTATUS(status) == 0, how, folder.read("log")};
}

}  // namespace

std::vector<ObjectCode> compile_for_device(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers,
                                           const Target& target, int optimization) {
  TemporaryFolder folder;
  for (const EmbeddedFile& file : runtime_files()) folder.write("runtime/" + std::string(file.name), file.text);
  for (const EmbeddedFile& file : device_files()) folder.write(file.name, file.text);
  for (const EmittedFile& file : headers) folder.write(file.name, file.text);
  std::vector<ObjectCode> objects;
  for (const EmittedFile& source : sources) {
    folder.write(source.name, source.text);
    const std::string object = source.name + ".o";
    std::vector<std::string> command = {target.device->compiler};
    for (const std::string& option : device_compile_options(target)) command.push_back(option);
    for (const std::string& option : {"-O" + std::to_string(optimization), std::string("-w"), std::string("-I."),
                                      std::string("-Iruntime/include"), std::string("-c"), source.name, std::string("-o"), object}) {
      command.push_back(option);
    }
    if (const Ending ending = run(command, folder, target); !ending.succeeded) {
      throw CompileError(make_diagnostic(Error::device_compiler_failed, target.device->compiler, ending.how, source.name,
                                         target.name, folder.keep(), ending.text));
    }
    objects.push_back({object, folder.read(object)});
  }
  return objects;
}

std::string device_library(const Target& target) {
  // A run that does nothing tells its settings: #$ LIBRARIES= "-L/usr/local/lib/stubs" "-L/usr/local/lib"
  const TemporaryFolder folder;
  const std::string empty = "empty" + target.device->suffix;
  folder.write(empty, "");
  const std::string log = run({target.device->compiler, "-dryrun", empty}, folder, target).text;
  for (size_t at = 0; (at = log.find("\"-L", at)) != std::string::npos;) {
    at += 3;
    const fs::path library = fs::path(log.substr(at, log.find('"', at) - at)) / target.device->library;
    if (fs::exists(library)) return library.string();
  }
  throw CompileError(make_diagnostic(Error::cannot_link_target, target.name,
                                     fmt::format("{} knows no {}", target.device->compiler, target.device->library)));
}

}  // namespace tsc::codegen
