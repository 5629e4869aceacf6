#include "codegen/native.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/TargetInfo.h>
#include <clang/CodeGen/BackendUtil.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <fcntl.h>
#include <lld/Common/Driver.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Object/Archive.h>
#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/SHA256.h>
#include <llvm/Support/Signals.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Transforms/IPO/Internalize.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "codegen/native_stack.h"
#include "codegen/runtime_files.h"
#include "compiler/diagnostic.h"

LLD_HAS_DRIVER(elf)

namespace tsc::codegen {
namespace {

namespace fs = std::filesystem;

// Folders of the file system that Clang sees.
constexpr std::string_view kSourceFolder = "/source/";
constexpr std::string_view kRuntimeFolder = "/runtime/";
constexpr std::string_view kFreestandingFolder = "/freestanding/";

[[noreturn]] void on_fatal_llvm_error(void*, const char* reason, bool) {
  // LLVM can't be unwound from here. Files that were begun are removed by LLVM's own list.
  std::fprintf(stderr, "tsc: internal error: LLVM: %s\n", reason);
  std::_Exit(kExitInternalError);
}

void initialize_llvm() {
  static const bool done = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    llvm::install_fatal_error_handler(on_fatal_llvm_error);
    return true;
  }();
  (void)done;
}

using FileSystem = llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem>;

FileSystem make_file_system(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers) {
  FileSystem files(new llvm::vfs::InMemoryFileSystem);
  auto add = [&](std::string_view folder, std::string_view name, std::string_view text) {
    // The buffer must end with a zero byte: all of these texts do.
    files->addFile(std::string(folder) + std::string(name), 0,
                   llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(text), llvm::StringRef(name)));
  };
  for (const EmbeddedFile& file : runtime_files()) add(kRuntimeFolder, file.name, file.text);
  for (const EmbeddedFile& file : freestanding_headers()) add(kFreestandingFolder, file.name, file.text);
  for (const EmittedFile& file : sources) add(kSourceFolder, file.name, file.text);
  for (const EmittedFile& file : headers) add(kSourceFolder, file.name, file.text);
  files->setCurrentWorkingDirectory(std::string(kSourceFolder));
  return files;
}

std::vector<std::string> front_end_arguments(const std::string& source, const CompileOptions& options) {
  const Target& target = options.target;
  std::vector<std::string> arguments = {
      "-triple", target.triple, "-target-cpu", target.cpu, "-x", "c++", "-std=c++20", "-main-file-name", source,
      // What the emitter relies on: the same floating-point results with every compiler, no errno, no exceptions.
      "-ffp-contract=off", "-fno-rtti", "-fno-threadsafe-statics", "-fgnuc-version=4.2.1",
      // Shape of the code.
      "-fhalf-no-semantic-interposition", "-fvisibility=hidden",
      "-ffunction-sections", "-fdata-sections", "-mframe-pointer=none", "-mconstructor-aliases",
      "-fno-ident", "-discard-value-names", "-O" + std::to_string(options.optimization),
      // Where files are; all of them in memory.
      "-nostdsysteminc", "-nobuiltininc", "-I", "/runtime/include", "-I", "/runtime", "-I", "/", "-internal-isystem",
      "/freestanding", "-fdebug-compilation-dir=.", "-fno-implicit-modules"};
  auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (target.is_bare) {
    // Its functions of memory have C's names, not the processor's.
    add({"-mrelocation-model", "static", "-meabi", "gnu"});
  } else {
    add({"-mrelocation-model", "pic", "-pic-level", "2"});
  }
  if (target.is_freestanding) {
    add({"-disable-red-zone"});  // an interrupt may use the same stack
  } else {
    add({"-funwind-tables=2"});
  }
  for (const std::string& definition : definitions(target)) add({"-D" + definition});
  for (const std::string& definition : options.definitions) add({"-D" + definition});
  for (const std::string& feature : target.features) add({"-target-feature", feature});
  if (options.optimization >= 2) add({"-vectorize-loops", "-vectorize-slp"});
  // Some CPUs prefer narrower vectors than they have; the kernels' tiles are chosen for the full width.
  if (target.is_x86()) add({"-mprefer-vector-width=" + std::to_string(target.vector_bytes * 8)});
  if (options.warnings_are_errors) {
    add({"-Wall", "-Wextra", "-Werror"});
  } else {
    add({"-w"});
  }
  arguments.push_back(source);
  return arguments;
}

// Keeps emitted text that the compiler refused, for the bug report.
std::string keep_sources(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers) {
  std::string folder = (fs::temp_directory_path() / "tsc-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return "nowhere, since no temporary folder can be made";
  for (std::span<const EmittedFile> files : {sources, headers}) {
    for (const EmittedFile& file : files) {
      const fs::path path = fs::path(folder) / file.name;
      std::error_code ignored;
      fs::create_directories(path.parent_path(), ignored);
      std::ofstream(path) << file.text;
    }
  }
  return folder;
}

// Inline functions come out mergeable with other units' ones. Two libraries that are linked into one program may hold
// them for different CPUs or versions, so every unit keeps its own: local to it, and free to be inlined away.
void make_inline_functions_local(llvm::Module& module) {
  llvm::internalizeModule(module, [](const llvm::GlobalValue& value) {
    return !value.hasLinkOnceLinkage() && !value.hasWeakODRLinkage();
  });
}

// Messages of the optimiser and the code generator: errors, and the frames that were asked for. Its remarks on loops are
// not for users.
class BackEndMessages : public llvm::DiagnosticHandler {
 public:
  BackEndMessages(std::string& text, std::map<std::string, int64_t>& frames) : text_(text), frames_(frames) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    if (const auto* frame = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(&info)) {
      frames_[frame->getFunction().getName().str()] = static_cast<int64_t>(frame->getStackSize());
      return true;
    }
    if (info.getSeverity() != llvm::DS_Error) return true;
    llvm::raw_string_ostream stream(text_);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    stream << '\n';
    return true;
  }

 private:
  std::string& text_;
  std::map<std::string, int64_t>& frames_;
};

struct Translation {
  std::string code;
  std::string errors;
  std::vector<StackUse> stack;
};

Translation translate(const std::string& source, const FileSystem& files, const CompileOptions& options,
                      clang::BackendAction action) {
  Translation result;
  llvm::raw_string_ostream error_stream(result.errors);
  llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> diagnostic_options(new clang::DiagnosticOptions);
  clang::TextDiagnosticPrinter printer(error_stream, diagnostic_options.get());
  clang::DiagnosticsEngine argument_diagnostics(new clang::DiagnosticIDs, diagnostic_options, &printer,
                                                /*ShouldOwnClient=*/false);

  clang::CompilerInstance instance;
  std::vector<std::string> arguments = front_end_arguments(source, options);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  if (!clang::CompilerInvocation::CreateFromArgs(instance.getInvocation(), pointers, argument_diagnostics)) {
    return result;
  }
  instance.createDiagnostics(&printer, /*ShouldOwnClient=*/false);
  instance.createFileManager(files);
  instance.setVerboseOutputStream(llvm::nulls());

  std::map<std::string, int64_t> frames;
  llvm::LLVMContext context;
  context.setDiscardValueNames(true);
  context.setDiagnosticHandler(std::make_unique<BackEndMessages>(result.errors, frames));
  // First to plain IR, then, with inline functions made local, through the optimiser.
  instance.getCodeGenOpts().DisableLLVMPasses = true;
  clang::EmitLLVMOnlyAction to_ir(&context);
  if (!instance.ExecuteAction(to_ir)) return result;
  std::unique_ptr<llvm::Module> module = to_ir.takeModule();
  if (module == nullptr) return result;
  make_inline_functions_local(*module);
  if (options.target.is_freestanding) ask_for_frames(*module);
  instance.getCodeGenOpts().DisableLLVMPasses = false;

  llvm::SmallVector<char, 0> bytes;
  clang::EmitBackendOutput(instance.getDiagnostics(), instance.getHeaderSearchOpts(), instance.getCodeGenOpts(),
                           instance.getTargetOpts(), instance.getLangOpts(), instance.getTarget().getDataLayoutString(),
                           module.get(), action, files, std::make_unique<llvm::raw_svector_ostream>(bytes));
  result.code.assign(bytes.begin(), bytes.end());
  if (options.target.is_freestanding) result.stack = stack_use(*module, frames, options.target);
  return result;
}

Translation translate_or_throw(const EmittedFile& source, const FileSystem& files, std::span<const EmittedFile> sources,
                               std::span<const EmittedFile> headers, const CompileOptions& options,
                               clang::BackendAction action) {
  Translation result = translate(source.name, files, options, action);
  TSC_ASSERT(result.errors.empty() && !result.code.empty(),
             "Clang refuses the emitted source '{}'; it is kept in {}\n{}", source.name, keep_sources(sources, headers),
             result.errors);
  return result;
}

// A file without a name in any folder, for what LLD can only read by path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("tsc", MFD_CLOEXEC)) {
    bool complete = descriptor_ >= 0;
    while (complete && !bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      complete = written > 0;
      if (complete) bytes.remove_prefix(static_cast<size_t>(written));
    }
    if (!complete) {
      const int error = errno;
      if (descriptor_ >= 0) close(descriptor_);
      throw CompileError(make_diagnostic(Error::no_memory_file, std::strerror(error)));
    }
  }
  MemoryFile(MemoryFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

std::string system_library(const Target& target, std::string_view name) {
  const std::string machine = target.triple.substr(0, target.triple.find('-'));
  const bool is_host = find_target("native")->triple == target.triple;
  std::vector<std::string> folders = {"/lib/" + machine + "-linux-gnu/", "/usr/lib/" + machine + "-linux-gnu/",
                                      "/usr/" + machine + "-linux-gnu/lib/"};
  if (is_host) folders.insert(folders.end(), {"/lib64/", "/usr/lib64/", "/lib/", "/usr/lib/"});
  for (const std::string& folder : folders) {
    if (std::string path = folder + std::string(name); fs::exists(path)) return path;
  }
  throw CompileError(
      make_diagnostic(Error::cannot_link_target, target.name, fmt::format("there is no {} for it", name)));
}

// LLD keeps its state in globals: one run at a time.
void run_linker(const std::vector<std::string>& arguments, const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  static bool usable = true;
  TSC_ASSERT(usable, "the linker crashed before");
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  std::string output, errors;
  llvm::raw_string_ostream output_stream(output), error_stream(errors);
  const lld::Result result = lld::lldMain(pointers, output_stream, error_stream, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode == 0) return;
  if (errors.find("cannot open output file") != std::string::npos ||
      errors.find("failed to write") != std::string::npos || errors.find("No space left") != std::string::npos) {
    throw CompileError(make_diagnostic(Error::output_not_writable, path, errors));
  }
  TSC_ASSERT(result.retCode == 0, "the linker refuses the emitted code:\n{}", errors);
}

std::string export_script(const std::vector<std::string>& exports) {
  std::string script = "{";
  if (!exports.empty()) script += " global:";
  for (const std::string& symbol : exports) script += " " + symbol + ";";
  return script + " local: *; };\n";
}

}  // namespace

std::vector<ObjectCode> compile(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers,
                                const CompileOptions& options, int threads) {
  initialize_llvm();
  std::vector<ObjectCode> objects(sources.size());
  std::vector<std::exception_ptr> failures(sources.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    // A file system per thread: its current folder and counters are not made for sharing.
    const FileSystem files = make_file_system(sources, headers);
    for (size_t i; (i = next++) < sources.size();) {
      try {
        objects[i].name = fs::path(sources[i].name).replace_extension(".o").filename().string();
        Translation result = translate_or_throw(sources[i], files, sources, headers, options, clang::Backend_EmitObj);
        objects[i].bytes = std::move(result.code);
        objects[i].stack = std::move(result.stack);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < std::min<int>(threads, static_cast<int>(sources.size())); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return objects;
}

std::string compile_to_assembly(const EmittedFile& source, std::span<const EmittedFile> headers,
                                const CompileOptions& options) {
  initialize_llvm();
  const std::span<const EmittedFile> sources(&source, 1);
  return translate_or_throw(source, make_file_system(sources, headers), sources, headers, options,
                            clang::Backend_EmitAssembly)
      .code;
}

void link(const LinkJob& job, const std::string& path) {
  initialize_llvm();
  std::vector<MemoryFile> files;
  std::vector<std::string> arguments = {"ld.lld", "-o", path};
  auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  for (const ObjectCode& object : job.objects) {
    arguments.push_back(files.emplace_back(object.bytes).path());
  }
  for (const ObjectFile& object : job.object_files) arguments.push_back(object.path);
  if (job.kind == LinkKind::kRelocatable) {
    add({"-r"});
  } else {
    const MemoryFile& script = files.emplace_back(export_script(job.exports));
    add({"-shared", "-soname", job.library_name, "--version-script=" + script.path(), "--gc-sections", "-z", "relro",
         "-z", "now", "-z", "noexecstack", "--hash-style=gnu", "--build-id=none", "--no-undefined", "-O2",
         "--as-needed"});
    for (const std::string& library : job.libraries) arguments.push_back(library);
    add({system_library(job.target, "libm.so.6"), system_library(job.target, "libc.so.6")});
    // Code of others may have variables of threads.
    if (!job.libraries.empty()) {
      arguments.push_back(system_library(job.target, job.target.is_x86() ? "ld-linux-x86-64.so.2" : "ld-linux-aarch64.so.1"));
    }
  }
  run_linker(arguments, path);
}

void write_archive(std::span<const ObjectCode> objects, std::span<const ObjectFile> object_files,
                   const std::string& path) {
  auto check = [&](llvm::Error error) {
    if (error) throw CompileError(make_diagnostic(Error::output_not_writable, path, llvm::toString(std::move(error))));
  };
  std::vector<llvm::NewArchiveMember> members;
  for (const ObjectCode& object : objects) {
    members.emplace_back(llvm::MemoryBufferRef(object.bytes, object.name));
  }
  for (const ObjectFile& object : object_files) {
    llvm::Expected<llvm::NewArchiveMember> member =
        llvm::NewArchiveMember::getFile(object.path, /*Deterministic=*/true);
    if (!member) check(member.takeError());
    member->MemberName = object.name;
    members.push_back(std::move(*member));
  }
  check(llvm::writeArchive(path, members, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
                           /*Deterministic=*/true, /*Thin=*/false));
}

SectionBytes section_bytes(const std::string& path) {
  llvm::Expected<llvm::object::OwningBinary<llvm::object::Binary>> file = llvm::object::createBinary(path);
  if (!file) {
    const std::string reason = llvm::toString(file.takeError());
    TSC_ASSERT(false, "can't read back {}: {}", path, reason);
  }
  SectionBytes bytes;
  auto add = [&](const llvm::object::Binary& binary) {
    const auto* object = llvm::dyn_cast<llvm::object::ObjectFile>(&binary);
    if (object == nullptr) return;
    for (const llvm::object::SectionRef& section : object->sections()) {
      const uint64_t flags = llvm::object::ELFSectionRef(section).getFlags();
      if (section.isText()) {
        bytes.code += section.getSize();
      } else if ((flags & llvm::ELF::SHF_ALLOC) != 0 && (flags & llvm::ELF::SHF_WRITE) == 0 && section.isData()) {
        bytes.constants += section.getSize();
      }
    }
  };
  if (const auto* archive = llvm::dyn_cast<llvm::object::Archive>(file->getBinary())) {
    llvm::Error error = llvm::Error::success();
    for (const llvm::object::Archive::Child& child : archive->children(error)) {
      if (auto member = child.getAsBinary()) add(**member);
    }
    llvm::consumeError(std::move(error));
  } else {
    add(*file->getBinary());
  }
  return bytes;
}

std::vector<std::string> undefined_symbols(const ObjectCode& object) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object.bytes, object.name));
  if (!file) TSC_ASSERT(false, "can't read back {}: {}", object.name, llvm::toString(file.takeError()));
  std::set<std::string> names;
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    const std::string name = llvm::cantFail(symbol.getName()).str();
    const bool is_undefined = (llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined) != 0;
    if (is_undefined && !name.empty()) names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::string sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  llvm::SHA256 hash;
  std::vector<char> piece(1 << 16);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    hash.update(llvm::StringRef(piece.data(), static_cast<size_t>(file.gcount())));
  }
  return file.eof() ? llvm::toHex(hash.final(), /*LowerCase=*/true) : "";
}

void remove_on_signal(const std::string& path) { llvm::sys::RemoveFileOnSignal(path); }

void keep_on_signal(const std::string& path) { llvm::sys::DontRemoveFileOnSignal(path); }

}  // namespace tsc::codegen
