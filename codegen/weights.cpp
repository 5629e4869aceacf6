#include "codegen/weights.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "compiler/diagnostic.h"

namespace tsc::codegen {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kPiece = 1 << 20;

class OutputFile {
 public:
  explicit OutputFile(const std::string& path)
      : path_(path), descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666)) {
    if (descriptor_ < 0) fail();
  }
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, size_t size) {
    const char* bytes = static_cast<const char*>(data);
    position_ += size;
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, bytes, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail();
      bytes += written;
      size -= static_cast<size_t>(written);
    }
  }
  void zeros_until(size_t position) {
    static constexpr char kZeros[4096] = {};
    while (position_ < position) write(kZeros, std::min(sizeof(kZeros), position - position_));
  }
  void close() {
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    if (result != 0) fail();
  }
  size_t position() const { return position_; }

 private:
  [[noreturn]] void fail() const {
    throw CompileError(make_diagnostic(Error::output_not_writable, path_, std::strerror(errno)));
  }

  std::string path_;
  int descriptor_;
  size_t position_ = 0;
};

// Walks the elements in row-major order; `visit(first byte, bytes)` gets runs that are contiguous in the storage.
template <class Visit>
void for_each_run(const ir::TensorConstant& tensor, Visit visit) {
  const int64_t element = ir::dtype_size(tensor.dtype);
  const int64_t count = tensor.element_count();
  if (count == 0) return;
  const std::byte* base = tensor.storage->data.get() + tensor.offset * element;
  // The trailing dims that lie densely are one run.
  size_t outer = tensor.sizes.size();
  int64_t run = 1;
  while (outer > 0 && (tensor.sizes[outer - 1] == 1 || tensor.strides[outer - 1] == run)) run *= tensor.sizes[--outer];
  std::vector<int64_t> index(outer, 0);
  for (int64_t done = 0; done < count; done += run) {
    int64_t offset = 0;
    for (size_t d = 0; d < outer; ++d) offset += index[d] * tensor.strides[d];
    visit(base + offset * element, static_cast<size_t>(run * element));
    for (size_t d = outer; d-- > 0 && ++index[d] == tensor.sizes[d];) index[d] = 0;
  }
}

void write_tensor(OutputFile& file, const ir::TensorConstant& tensor) {
  std::vector<std::byte> buffer;
  auto flush = [&] {
    file.write(buffer.data(), buffer.size());
    buffer.clear();
  };
  for_each_run(tensor, [&](const std::byte* data, size_t size) {
    if (buffer.size() + size > kPiece) flush();
    if (size > kPiece) {
      file.write(data, size);
    } else {
      buffer.insert(buffer.end(), data, data + size);
    }
  });
  flush();
}

// Writes the items from `start` on and lets go of each one's data.
void write_items(OutputFile& file, std::span<WeightItem> items, size_t start, size_t size) {
  for (WeightItem& item : items) {
    TSC_ASSERT(start + item.offset >= file.position() && item.offset + item.size <= size,
               "weight '{}' overlaps another", item.name);
    file.zeros_until(start + item.offset);
    if (item.packed) {
      file.write(item.packed->data(), item.packed->size());
    } else {
      write_tensor(file, *item.tensor);
    }
    TSC_ASSERT(file.position() == start + item.offset + item.size, "weight '{}' has another size than planned",
               item.name);
    item.packed.reset();
    item.tensor.reset();
  }
  file.zeros_until(start + size);
}

Elf64_Half machine_of(const Target& target) {
  if (target.triple.starts_with("x86_64")) return EM_X86_64;
  if (target.triple.starts_with("aarch64")) return EM_AARCH64;
  TSC_ASSERT(false, "no ELF machine for {}", target.triple);
  return EM_NONE;
}

// Sections of the file, in order. The data comes right behind the header; tables, which are small, behind the data.
enum Section : Elf64_Half { kNull, kWeights, kSymbols, kStrings, kSectionNames, kStackNote, kSectionCount };
constexpr char kSectionText[] = "\0.rodata.weights\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack";
constexpr Elf64_Word kNameOffsets[kSectionCount] = {0, 1, 17, 25, 33, 43};

Elf64_Ehdr file_header(const Target& target) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = machine_of(target);
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = kSectionNames;
  return header;
}

}  // namespace

void copy_elements(const ir::TensorConstant& tensor, std::span<std::byte> out) {
  TSC_ASSERT(out.size() == static_cast<size_t>(tensor.element_count() * ir::dtype_size(tensor.dtype)));
  std::byte* next = out.data();
  for_each_run(tensor, [&](const std::byte* data, size_t size) {
    std::memcpy(next, data, size);
    next += size;
  });
}

void write_weights_object(std::span<WeightItem> items, size_t size, const std::string& symbol, const Target& target,
                          const std::string& path) {
  Elf64_Shdr sections[kSectionCount] = {};
  for (int i = 0; i < kSectionCount; ++i) sections[i].sh_name = kNameOffsets[i];
  OutputFile file(path);

  // The header comes last by content, since it says where the section table is: sizes are known, so compute it now.
  const size_t weights_at = kAlignment;
  const size_t symbols_at = (weights_at + size + 7) / 8 * 8;
  const std::string strings = std::string(1, '\0') + symbol + '\0';
  Elf64_Sym symbols[2] = {};
  const size_t strings_at = symbols_at + sizeof(symbols);
  const size_t names_at = strings_at + strings.size();
  Elf64_Ehdr header = file_header(target);
  header.e_shoff = (names_at + sizeof(kSectionText) + 7) / 8 * 8;
  file.write(&header, sizeof(header));

  write_items(file, items, weights_at, size);
  file.zeros_until(symbols_at);

  sections[kWeights].sh_type = SHT_PROGBITS;
  sections[kWeights].sh_flags = SHF_ALLOC;
  sections[kWeights].sh_offset = weights_at;
  sections[kWeights].sh_size = size;
  sections[kWeights].sh_addralign = kAlignment;

  symbols[1].st_name = 1;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = kWeights;
  symbols[1].st_size = size;
  sections[kSymbols].sh_type = SHT_SYMTAB;
  sections[kSymbols].sh_offset = symbols_at;
  sections[kSymbols].sh_size = sizeof(symbols);
  sections[kSymbols].sh_link = kStrings;
  sections[kSymbols].sh_info = 1;  // the first symbol that is not local
  sections[kSymbols].sh_addralign = 8;
  sections[kSymbols].sh_entsize = sizeof(Elf64_Sym);
  file.write(symbols, sizeof(symbols));

  sections[kStrings].sh_type = SHT_STRTAB;
  sections[kStrings].sh_offset = strings_at;
  sections[kStrings].sh_size = strings.size();
  sections[kStrings].sh_addralign = 1;
  file.write(strings.data(), strings.size());

  sections[kSectionNames].sh_type = SHT_STRTAB;
  sections[kSectionNames].sh_offset = names_at;
  sections[kSectionNames].sh_size = sizeof(kSectionText);
  sections[kSectionNames].sh_addralign = 1;
  file.write(kSectionText, sizeof(kSectionText));

  sections[kStackNote].sh_type = SHT_PROGBITS;  // present and without SHF_EXECINSTR: the stack needs no execution
  sections[kStackNote].sh_offset = names_at;
  sections[kStackNote].sh_addralign = 1;
  file.zeros_until(header.e_shoff);
  file.write(sections, sizeof(sections));
  file.close();
}

void write_weights_blob(std::span<WeightItem> items, size_t size, const std::string& path) {
  OutputFile file(path);
  write_items(file, items, 0, size);
  file.close();
}

}  // namespace tsc::codegen
