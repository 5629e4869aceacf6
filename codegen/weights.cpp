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
#include "compiler/ir/tensor_data.h"

namespace tsc::codegen {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kPageAlignment = 4096;
constexpr size_t kPiece = 1 << 20;
const std::string kReservedPrefix = ".weights.";

// A file that is written in any order.
class File {
 public:
  File(const std::string& path, int flags)
      : path_(path), descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666)) {
    if (descriptor_ < 0) fail();
  }
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t size() const {
    struct stat status;
    if (fstat(descriptor_, &status) != 0) fail();
    return static_cast<size_t>(status.st_size);
  }
  template <class T>
  std::vector<T> read(size_t position, size_t count) const {
    std::vector<T> items(count);
    const size_t bytes = count * sizeof(T);
    TSC_ASSERT(pread(descriptor_, items.data(), bytes, static_cast<off_t>(position)) == static_cast<ssize_t>(bytes),
               "{} ends early", path_);
    return items;
  }
  // Copies the first `size` bytes of another file to `position`.
  void copy_from(const std::string& path, size_t position, size_t size) {
    const File source(path, 0);
    for (size_t done = 0; done < size; done += kPiece) {
      const auto piece = source.read<std::byte>(done, std::min(kPiece, size - done));
      write_at(position + done, piece.data(), piece.size());
    }
  }
  // What is not written of a file is zero.
  void resize(size_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail();
  }
  void write_at(size_t position, const void* data, size_t size) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::pwrite(descriptor_, bytes, size, static_cast<off_t>(position));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail();
      bytes += written;
      position += static_cast<size_t>(written);
      size -= static_cast<size_t>(written);
    }
  }
  void close() {
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    if (result != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw CompileError(make_diagnostic(Error::output_not_writable, path_, std::strerror(errno)));
  }

  std::string path_;
  int descriptor_;
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

// The elements of a constant as floats in row-major order: a look at the storage where it holds them so, else copies.
class FloatElements {
 public:
  explicit FloatElements(const ir::TensorConstant& tensor) {
    if (tensor.dtype == ir::DType::kFloat32 && tensor.is_contiguous()) {
      const auto* data = reinterpret_cast<const float*>(tensor.storage->data.get()) + tensor.offset;
      span_ = {data, static_cast<size_t>(tensor.element_count())};
      return;
    }
    for (const ir::Element& element : ir::read_elements(tensor)) {
      copies_.push_back(std::visit(
          [](const auto& x) {
            if constexpr (std::is_same_v<std::decay_t<decltype(x)>, std::complex<double>>) {
              return static_cast<float>(x.real());
            } else {
              return static_cast<float>(x);
            }
          },
          element));
    }
    span_ = copies_;
  }
  std::span<const float> span() const { return span_; }

 private:
  std::vector<float> copies_;
  std::span<const float> span_;
};

void write_tensor(File& file, size_t position, const ir::TensorConstant& tensor) {
  std::vector<std::byte> buffer;
  auto flush = [&] {
    file.write_at(position, buffer.data(), buffer.size());
    position += buffer.size();
    buffer.clear();
  };
  for_each_run(tensor, [&](const std::byte* data, size_t size) {
    if (buffer.size() + size > kPiece) flush();
    if (size > kPiece) {
      file.write_at(position, data, size);
      position += size;
    } else {
      buffer.insert(buffer.end(), data, data + size);
    }
  });
  flush();
}

// Writes the items from `start` on and lets go of each one's data. Small ones first: when the largest are packed, the
// memory of the others is free again.
void write_items(File& file, std::span<WeightItem> items, size_t start, size_t size) {
  size_t end = 0;
  for (const WeightItem& item : items) {
    TSC_ASSERT(item.offset >= end && item.offset + item.size <= size, "weight '{}' overlaps another", item.name);
    end = item.offset + item.size;
  }
  std::vector<WeightItem*> order;
  for (WeightItem& item : items) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const WeightItem* a, const WeightItem* b) {
    return std::pair(a->size, a->offset) < std::pair(b->size, b->offset);
  });
  for (WeightItem* item : order) {
    if (item->pack) {
      const std::vector<float> packed = item->pack(FloatElements(*item->tensor).span());
      TSC_ASSERT(packed.size() * sizeof(float) == item->size, "weight '{}' has another size than planned", item->name);
      file.write_at(start + item->offset, packed.data(), item->size);
    } else {
      TSC_ASSERT(static_cast<size_t>(item->tensor->element_count() * ir::dtype_size(item->tensor->dtype)) == item->size,
                 "weight '{}' has another size than planned", item->name);
      write_tensor(file, start + item->offset, *item->tensor);
    }
    item->pack = nullptr;
    item->tensor.reset();
  }
}

Elf64_Half machine_of(const Target& target) {
  if (target.triple.starts_with("x86_64")) return EM_X86_64;
  if (target.triple.starts_with("aarch64")) return EM_AARCH64;
  if (target.triple.starts_with("riscv64")) return EM_RISCV;
  TSC_ASSERT(false, "no ELF machine for {}", target.triple);
  return EM_NONE;
}

// Sections of an object, in order. The data comes right behind the header; tables, which are small, behind the data.
enum Section : Elf64_Half { kNull, kWeights, kSymbols, kStrings, kSectionNames, kStackNote, kSectionCount };
constexpr size_t kWeightsAt = kAlignment;

// All of an object but the data.
struct ObjectFrame {
  Elf64_Ehdr header = {};
  size_t tables_at = 0;
  std::string tables;
};

// A relocatable file with one section of `type` and `flags` under a hidden symbol.
ObjectFrame make_frame(const std::string& symbol, size_t size, const Target& target, const std::string& section,
                       Elf64_Word type, Elf64_Xword flags, size_t alignment) {
  ObjectFrame frame;
  frame.tables_at = (kWeightsAt + (type == SHT_NOBITS ? 0 : size) + 7) / 8 * 8;
  Elf64_Shdr sections[kSectionCount] = {};
  auto append = [&](Section index, Elf64_Word kind, const void* data, size_t bytes) {
    sections[index].sh_type = kind;
    sections[index].sh_offset = frame.tables_at + frame.tables.size();
    sections[index].sh_size = bytes;
    sections[index].sh_addralign = 1;
    frame.tables.append(static_cast<const char*>(data), bytes);
  };

  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = kWeights;
  symbols[1].st_size = size;
  append(kSymbols, SHT_SYMTAB, symbols, sizeof(symbols));
  sections[kSymbols].sh_link = kStrings;
  sections[kSymbols].sh_info = 1;  // the first symbol that is not local
  sections[kSymbols].sh_addralign = 8;
  sections[kSymbols].sh_entsize = sizeof(Elf64_Sym);
  const std::string strings = '\0' + symbol + '\0';
  append(kStrings, SHT_STRTAB, strings.data(), strings.size());

  const std::string section_names[kSectionCount] = {"", section, ".symtab", ".strtab", ".shstrtab", ".note.GNU-stack"};
  std::string names;
  for (size_t i = 0; i < kSectionCount; ++i) {
    sections[i].sh_name = static_cast<Elf64_Word>(names.size());
    names += section_names[i] + '\0';
  }
  append(kSectionNames, SHT_STRTAB, names.data(), names.size());
  append(kStackNote, SHT_PROGBITS, "", 0);  // present and without SHF_EXECINSTR: the stack needs no execution

  sections[kWeights].sh_type = type;
  sections[kWeights].sh_flags = flags;
  sections[kWeights].sh_offset = kWeightsAt;
  sections[kWeights].sh_size = size;
  sections[kWeights].sh_addralign = alignment;
  frame.tables.resize((frame.tables.size() + 7) / 8 * 8);

  Elf64_Ehdr& header = frame.header;
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = machine_of(target);
  header.e_version = EV_CURRENT;
  // As the code's objects say: short instructions, and doubles in registers.
  if (header.e_machine == EM_RISCV) header.e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE;
  header.e_shoff = frame.tables_at + frame.tables.size();
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = kSectionNames;
  frame.tables.append(reinterpret_cast<const char*>(sections), sizeof(sections));
  return frame;
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
  const ObjectFrame frame = make_frame(symbol, size, target, ".rodata.weights", SHT_PROGBITS, SHF_ALLOC, kAlignment);
  File file(path, O_CREAT | O_TRUNC);
  file.resize(frame.tables_at + frame.tables.size());
  file.write_at(0, &frame.header, sizeof(frame.header));
  write_items(file, items, kWeightsAt, size);
  file.write_at(frame.tables_at, frame.tables.data(), frame.tables.size());
  file.close();
}

void write_weights_blob(std::span<WeightItem> items, size_t size, const std::string& path) {
  File file(path, O_CREAT | O_TRUNC);
  file.resize(size);
  write_items(file, items, 0, size);
  file.close();
}

std::string reserved_weights_object(const std::string& symbol, size_t size, const Target& target) {
  const ObjectFrame frame = make_frame(symbol, size, target, kReservedPrefix + symbol, SHT_NOBITS,
                                       SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, kPageAlignment);
  return std::string(reinterpret_cast<const char*>(&frame.header), sizeof(frame.header)) + frame.tables;
}

void fill_reserved_weights(const std::string& library, std::span<const WeightsBlob> blobs) {
  File file(library, 0);
  const auto header = file.read<Elf64_Ehdr>(0, 1)[0];
  auto segments = file.read<Elf64_Phdr>(header.e_phoff, header.e_phnum);
  auto sections = file.read<Elf64_Shdr>(header.e_shoff, header.e_shnum);
  const auto names = file.read<char>(sections[header.e_shstrndx].sh_offset, sections[header.e_shstrndx].sh_size);

  const auto segment = std::find_if(segments.begin(), segments.end(), [](const Elf64_Phdr& s) {
    return s.p_type == PT_LOAD && s.p_flags == (PF_R | PF_W | PF_X);
  });
  TSC_ASSERT(segment != segments.end(), "{} has no segment for its weights", library);
  const size_t end = (file.size() + segment->p_align - 1) / segment->p_align * segment->p_align;
  segment->p_offset = end + segment->p_vaddr % segment->p_align;
  segment->p_filesz = segment->p_memsz;
  segment->p_flags = PF_R;
  file.resize(segment->p_offset + segment->p_filesz);

  for (const WeightsBlob& blob : blobs) {
    const auto section = std::find_if(sections.begin(), sections.end(), [&](const Elf64_Shdr& s) {
      return kReservedPrefix + blob.symbol == &names[s.sh_name];
    });
    TSC_ASSERT(section != sections.end() && section->sh_addr >= segment->p_vaddr &&
                   section->sh_addr + section->sh_size <= segment->p_vaddr + segment->p_memsz,
               "{} has no room for {}", library, blob.symbol);
    section->sh_type = SHT_PROGBITS;
    section->sh_flags = SHF_ALLOC;
    section->sh_offset = segment->p_offset + (section->sh_addr - segment->p_vaddr);
    file.copy_from(blob.path, section->sh_offset, section->sh_size);
  }
  file.write_at(header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr));
  file.write_at(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr));
  file.close();
}

}  // namespace tsc::codegen
