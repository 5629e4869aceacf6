// From C++ text to machine code, with Clang and LLD inside this process. Nothing is read from the disk but the weights'
// object and, for shared libraries, the system's libc and libm; no other program is started. Equal input and options
// give equal bytes, whatever the folder, time, locale or number of threads.
//
// Text that Clang refuses is our bug: an InternalError says where the text is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "codegen/target.h"

namespace tsc::codegen {

struct CompileOptions {
  Target target = {};
  int optimization = 3;                       // 0 to 3
  std::vector<std::string> definitions = {};  // "NAME=value", beside the target's
  bool warnings_are_errors = false;           // -Wall -Wextra: for our own tests, since users can't mend emitted code
};

// What a call of a function takes of the stack, without what functions of other objects take that it calls.
struct StackUse {
  std::string function;
  std::optional<int64_t> bytes;  // none where it calls itself or through a pointer, or makes room as it runs
};

// One compiled translation unit, a relocatable ELF file in memory.
struct ObjectCode {
  std::string name;  // "resnet18.o"
  std::string bytes;
  std::vector<StackUse> stack = {};  // of freestanding code: its functions that others may call
};

// Functions and variables that an object needs from others, sorted.
std::vector<std::string> undefined_symbols(const ObjectCode& object);

// Compiles each source on its own, on up to `threads` threads. Sources and headers see each other by their names, the
// runtime as "runtime/core/..." or "core/...", the public headers as "tsc/tsc.h", and no other file.
std::vector<ObjectCode> compile(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers,
                                const CompileOptions& options, int threads);

// The assembly text of one source, for --emit=asm.
std::string compile_to_assembly(const EmittedFile& source, std::span<const EmittedFile> headers,
                                const CompileOptions& options);

// An object on the disk: the weights, which are too large to hold twice.
struct ObjectFile {
  std::string name;  // in an archive: "resnet18_weights.o"
  std::string path;
};

enum class LinkKind { kSharedLibrary, kRelocatable };

struct LinkJob {
  LinkKind kind = LinkKind::kSharedLibrary;
  std::span<const ObjectCode> objects = {};
  std::span<const ObjectFile> object_files = {};
  std::vector<std::string> exports = {};  // symbols of a shared library that others may see
  std::string library_name = {};          // of a shared library: its DT_SONAME
  std::vector<std::string> libraries = {};  // static ones, by their paths
  Target target = {};
};

// Writes `path`, which must not exist or be ours to overwrite. Throws CompileError for what the machine lacks or the
// disk refuses, InternalError for symbols that nothing defines.
void link(const LinkJob& job, const std::string& path);

// A static library with a symbol table, without times or owners.
void write_archive(std::span<const ObjectCode> objects, std::span<const ObjectFile> object_files,
                   const std::string& path);

// Bytes that a library, an object or all members of an archive have in memory: machine code, and what is only read.
struct SectionBytes {
  size_t code = 0;
  size_t constants = 0;
};
SectionBytes section_bytes(const std::string& path);

// SHA-256 of a file's bytes in hexadecimal; "" when it can't be read.
std::string sha256_of_file(const std::string& path);

// Has a file removed should a signal end the process, and takes that back.
void remove_on_signal(const std::string& path);
void keep_on_signal(const std::string& path);

}  // namespace tsc::codegen
