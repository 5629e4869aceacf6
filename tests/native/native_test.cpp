// Clang and LLD in this process: hand-written units become libraries that load, run, need and export what they should.
#include "codegen/native.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "codegen/weights.h"
#include "compiler/diagnostic.h"

namespace tsc::codegen {
namespace {

namespace fs = std::filesystem;

class NativeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "native_test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::vector<ObjectCode> compile_one(const std::string& text, const std::string& target = "native") const {
    const EmittedFile source{.name = "model.cpp", .text = text};
    return compile({&source, 1}, {}, {.target = *find_target(target), .warnings_are_errors = true}, 1);
  }

  std::string link_library(const std::string& name, std::span<const ObjectCode> objects,
                           std::span<const ObjectFile> files, std::vector<std::string> exports) const {
    link({.objects = objects,
          .object_files = files,
          .exports = std::move(exports),
          .library_name = name,
          .target = *find_target("native")},
         path(name));
    return path(name);
  }

  fs::path folder_;
};

std::string run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  for (size_t size; (size = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, size);
  pclose(pipe);
  return output;
}

std::set<std::string> needed_libraries(const std::string& path) {
  std::set<std::string> needed;
  std::istringstream lines(run("readelf -dW " + path));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    const size_t begin = line.find('[') + 1;
    needed.insert(line.substr(begin, line.find(']') - begin));
  }
  return needed;
}

std::set<std::string> exported_symbols(const std::string& path) {
  std::set<std::string> symbols;
  std::istringstream lines(run("nm -D --defined-only --format=just-symbols " + path));
  for (std::string line; std::getline(lines, line);) symbols.insert(line);
  return symbols;
}

template <class F>
F* find(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

constexpr const char* kAdder = R"(
#include <stddef.h>
#include <stdint.h>
extern "C" double exp(double);
namespace tsc { inline int64_t bias() { return 40; } }
extern "C" __attribute__((visibility("default"))) int64_t model_add(int64_t a) { return a + tsc::bias(); }
extern "C" __attribute__((visibility("default"))) double model_exp(double a) { return exp(a); }
extern "C" __attribute__((visibility("default"))) int not_documented() { return 1; }
extern "C" __attribute__((visibility("default"), weak)) int common_name() { return 3; }
int hidden_global() { return 2; }
)";

TEST_F(NativeTest, LibraryLoadsAndRuns) {
  const std::string library = link_library("a.so", compile_one(kAdder), {}, {"model_add", "model_exp"});
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << dlerror();
  EXPECT_EQ(find<int64_t(int64_t)>(handle, "model_add")(2), 42);
  EXPECT_EQ(find<double(double)>(handle, "model_exp")(0), 1);
  EXPECT_EQ(dlsym(handle, "not_documented"), nullptr);
  dlclose(handle);
}

TEST_F(NativeTest, LibraryNeedsLibcAndLibmOnly) {
  const std::string library = link_library("a.so", compile_one(kAdder), {}, {"model_*", "common_name"});
  for (const std::string& name : needed_libraries(library)) EXPECT_TRUE(name == "libc.so.6" || name == "libm.so.6");
  EXPECT_EQ(exported_symbols(library), (std::set<std::string>{"common_name", "model_add", "model_exp"}));
}

TEST_F(NativeTest, LibraryIsHardenedAndHasNoConstructors) {
  const std::string library = link_library("a.so", compile_one(kAdder), {}, {"model_add", "model_exp"});
  const std::string dynamic = run("readelf -dW " + library);
  EXPECT_NE(dynamic.find("NOW"), std::string::npos);
  EXPECT_EQ(dynamic.find("TEXTREL"), std::string::npos);
  EXPECT_EQ(dynamic.find("RUNPATH"), std::string::npos);
  EXPECT_EQ(dynamic.find("INIT_ARRAY"), std::string::npos);
  const std::string segments = run("readelf -lW " + library);
  EXPECT_NE(segments.find("GNU_RELRO"), std::string::npos);
  EXPECT_EQ(segments.find("RWE"), std::string::npos);
  EXPECT_NE(segments.find("GNU_STACK"), std::string::npos);
  // Neither a path of this machine nor of the build.
  EXPECT_EQ(read_file(library).find(folder_.string()), std::string::npos);
}

// Two libraries with equal names inside keep to themselves.
TEST_F(NativeTest, TwoModelsInOneProcess) {
  std::string other = kAdder;
  other.replace(other.find("40"), 2, "70");
  const std::string a = link_library("a.so", compile_one(kAdder), {}, {"model_add"});
  const std::string b = link_library("b.so", compile_one(other), {}, {"model_add"});
  void* first = dlopen(a.c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* second = dlopen(b.c_str(), RTLD_NOW | RTLD_GLOBAL);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(find<int64_t(int64_t)>(first, "model_add")(2), 42);
  EXPECT_EQ(find<int64_t(int64_t)>(second, "model_add")(2), 72);
  dlclose(first);
  dlclose(second);
}

// Inline functions of one unit are not replaced by another's, even when the objects meet in one link.
TEST_F(NativeTest, InlineFunctionsStayInTheirUnit) {
  const char* text = R"(
namespace tsc { __attribute__((noinline)) inline int bias() { return %d; } }
extern "C" __attribute__((visibility("default"))) int get_%d() { return tsc::bias(); }
)";
  std::vector<EmittedFile> sources;
  for (int value : {1, 2}) {
    char buffer[512];
    snprintf(buffer, sizeof(buffer), text, value, value);
    sources.push_back({"unit" + std::to_string(value) + ".cpp", buffer});
  }
  const auto objects = compile(sources, {}, {.target = *find_target("native")}, 2);
  const std::string library = link_library("a.so", objects, {}, {"get_1", "get_2"});
  void* handle = dlopen(library.c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr) << dlerror();
  EXPECT_EQ(find<int()>(handle, "get_1")(), 1);
  EXPECT_EQ(find<int()>(handle, "get_2")(), 2);
  dlclose(handle);
}

TEST_F(NativeTest, EqualInputGivesEqualBytes) {
  const std::vector<EmittedFile> sources = {{"a.cpp", kAdder}, {"b.cpp", "int b(int x) { return x * 3; }\n"}};
  const CompileOptions options{.target = *find_target("x86-64-v3")};
  const auto one = compile(sources, {}, options, 1);
  const auto two = compile(sources, {}, options, 2);
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].bytes, two[i].bytes);
  fs::create_directory(path("x"));
  fs::create_directory(path("y"));
  const std::string first = link_library("x/../a.so", one, {}, {"model_add"});
  const std::string kept = read_file(first);
  fs::remove(first);
  EXPECT_EQ(kept, read_file(link_library("x/../a.so", two, {}, {"model_add"})));
}

TEST_F(NativeTest, RelocatableAndArchive) {
  const auto objects = compile_one(kAdder);
  link({.kind = LinkKind::kRelocatable, .objects = objects, .target = *find_target("native")}, path("a.o"));
  write_archive(objects, {}, path("a.a"));
  const std::string members = run("ar t " + path("a.a"));
  EXPECT_EQ(members, "model.o\n");
  EXPECT_NE(run("nm " + path("a.a")).find("T model_add"), std::string::npos);
  const ObjectFile relocatable{"a.o", path("a.o")};
  const std::string library = link_library("c.so", {}, {&relocatable, 1}, {"model_add"});
  EXPECT_EQ(exported_symbols(library), std::set<std::string>{"model_add"});
}

TEST_F(NativeTest, OtherTargets) {
  Elf64_Ehdr header;
  const std::string object = compile_one(kAdder, "aarch64")[0].bytes;
  std::memcpy(&header, object.data(), sizeof(header));
  EXPECT_EQ(header.e_machine, EM_AARCH64);
  EXPECT_EQ(find_target("z80"), std::nullopt);
}

TEST_F(NativeTest, StackOfFreestandingCode) {
  constexpr const char* kText = R"(
extern "C" {
void outside(volatile char*);
void (*pointer)();
static inline void use(char* room) { asm volatile("" : : "r"(room) : "memory"); }
__attribute__((noinline)) static void inner() { char room[1000]; use(room); }
__attribute__((noinline)) static void twice() { char room[100]; use(room); inner(); use(room); }
void leaf() {}
void deep() { char room[300]; use(room); twice(); inner(); use(room); }
void calls_outside() { volatile char room[200]; outside(room); }
int calls_itself(int n) { volatile int x = n; if (n > 0) x = x + calls_itself(n - 1) * calls_itself(n - 2); return x; }
void calls_pointer() { pointer(); }
void makes_room(int n) { volatile char* room = static_cast<volatile char*>(__builtin_alloca(n)); outside(room); }
})";
  for (const char* name : {"x86-64-v3", "aarch64", "riscv64", "cortex-m4"}) {
    Target target = *find_target(name);
    target.is_freestanding = true;
    const EmittedFile source{.name = "model.cpp", .text = kText};
    const ObjectCode object = compile({&source, 1}, {}, {.target = target}, 1)[0];
    const auto bytes = [&](const char* function) {
      const auto found = std::ranges::find(object.stack, function, &StackUse::function);
      EXPECT_NE(found, object.stack.end()) << function;
      return found == object.stack.end() ? std::nullopt : found->bytes;
    };
    EXPECT_LE(bytes("leaf"), 16) << name;
    EXPECT_GE(bytes("deep"), 1400) << name;
    EXPECT_LE(bytes("deep"), 1600) << name;
    EXPECT_GE(bytes("calls_outside"), 200) << name;
    EXPECT_LE(bytes("calls_outside"), 300) << name;
    EXPECT_EQ(bytes("calls_itself"), std::nullopt) << name;
    EXPECT_EQ(bytes("calls_pointer"), std::nullopt) << name;
    EXPECT_EQ(bytes("makes_room"), std::nullopt) << name;
    EXPECT_EQ(undefined_symbols(object), (std::vector<std::string>{"outside"}));
  }
}

TEST_F(NativeTest, HeadersAreSeenByTheirNames) {
  const std::vector<EmittedFile> headers = {{"model.h", "#define ANSWER 42\n"}};
  const EmittedFile source{
      "model.cpp", "#include \"model.h\"\n#include <stdarg.h>\n#include <stdbool.h>\nint f() { return ANSWER; }\n"};
  EXPECT_EQ(compile({&source, 1}, headers, {.target = *find_target("native"), .warnings_are_errors = true}, 1).size(),
            1u);
}

TEST_F(NativeTest, NoFileOfThisMachineIsSeen) {
  EXPECT_THROW(compile_one("#include <stdio.h>\n"), InternalError);
  EXPECT_THROW(compile_one("#include \"/usr/include/stdio.h\"\n"), InternalError);
}

TEST_F(NativeTest, RefusedSourceIsKept) {
  try {
    compile_one("int f( { return 1; }\n");
    FAIL();
  } catch (const InternalError& error) {
    const std::string text = error.what();
    const std::string mark = "it is kept in ";
    ASSERT_NE(text.find(mark), std::string::npos) << text;
    const size_t begin = text.find(mark) + mark.size();
    const std::string folder = text.substr(begin, text.find('\n', begin) - begin);
    EXPECT_EQ(read_file(folder + "/model.cpp"), "int f( { return 1; }\n");
    EXPECT_NE(text.find("model.cpp:1:"), std::string::npos) << text;
    fs::remove_all(folder);
  }
}

TEST_F(NativeTest, LinkErrors) {
  const auto objects = compile_one(
      "extern \"C\" int nowhere();\nint f() { return nowhere(); }\n"
      "extern \"C\" __attribute__((visibility(\"default\"))) int g() { return f(); }\n");
  EXPECT_THROW(link_library("a.so", objects, {}, {"g"}), InternalError);
  // The linker works again after an error.
  EXPECT_NO_THROW(link_library("b.so", compile_one(kAdder), {}, {"model_add"}));
  EXPECT_THROW(link_library("no/such/folder/b.so", compile_one(kAdder), {}, {"model_add"}), CompileError);
}

std::shared_ptr<const ir::TensorConstant> floats(std::vector<float> values, std::vector<int64_t> sizes,
                                                 std::vector<int64_t> strides, int64_t offset = 0) {
  auto data = std::make_shared<std::vector<float>>(std::move(values));
  auto storage = std::make_shared<ir::Storage>();
  storage->size = data->size() * sizeof(float);
  storage->data = std::shared_ptr<const std::byte>(data, reinterpret_cast<const std::byte*>(data->data()));
  auto tensor = std::make_shared<ir::TensorConstant>();
  tensor->dtype = ir::DType::kFloat32;
  tensor->sizes = std::move(sizes);
  tensor->strides = std::move(strides);
  tensor->offset = offset;
  tensor->storage = std::move(storage);
  return tensor;
}

// As an object that the linker reads, and as room that is filled after it.
class WeightsTest : public NativeTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Reserved, WeightsTest, testing::Bool());

TEST_P(WeightsTest, AreDataOfTheLibrary) {
  std::vector<WeightItem> items(4);
  items[0] = {.name = "dense", .offset = 0, .size = 12, .tensor = floats({1, 2, 3}, {3}, {1}), .pack = nullptr};
  items[1] = {.name = "transposed",
              .offset = 64,
              .size = 24,
              .tensor = floats({9, 1, 4, 2, 5, 3, 6}, {2, 3}, {1, 2}, 1),
              .pack = nullptr};
  items[2] = {.name = "packed",
              .offset = 128,
              .size = 4,
              .tensor = floats({3}, {1}, {1}),
              .pack = [](std::span<const float> x) { return std::vector<float>{2 * x[0]}; }};
  items[3] = {.name = "empty", .offset = 192, .size = 0, .tensor = floats({}, {0, 3}, {3, 1}), .pack = nullptr};
  std::vector<ObjectCode> objects = compile_one(
      "extern \"C\" __attribute__((visibility(\"hidden\"))) const unsigned char model_weights[];\n"
      "extern \"C\" __attribute__((visibility(\"default\"))) const void* get() { return model_weights; }\n");
  if (GetParam()) {
    write_weights_blob(items, 256, path("weights.bin"));
    objects.push_back({"weights.o", reserved_weights_object("model_weights", 256, *find_target("native"))});
    link_library("a.so", objects, {}, {"get"});
    fill_reserved_weights(path("a.so"), std::vector<WeightsBlob>{{"model_weights", path("weights.bin")}});
  } else {
    write_weights_object(items, 256, "model_weights", *find_target("native"), path("weights.o"));
    const ObjectFile weights{"weights.o", path("weights.o")};
    link_library("a.so", objects, {&weights, 1}, {"get"});
  }
  EXPECT_EQ(items[0].tensor, nullptr);  // let go of
  EXPECT_EQ(items[2].pack, nullptr);
  const std::string library = path("a.so");
  run("strip " + library);  // a user's installer may
  EXPECT_EQ(exported_symbols(library), std::set<std::string>{"get"});
  EXPECT_EQ(run("readelf -lW " + library).find("RWE"), std::string::npos);
  void* handle = dlopen(library.c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr) << dlerror();
  const void* data = find<const void*()>(handle, "get")();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
  unsigned char expected[256] = {};
  const float dense[] = {1, 2, 3};
  const float transposed[] = {1, 2, 3, 4, 5, 6};
  std::memcpy(expected, dense, sizeof(dense));
  std::memcpy(expected + 64, transposed, sizeof(transposed));
  const float packed = 6;
  std::memcpy(expected + 128, &packed, sizeof(packed));
  EXPECT_EQ(std::memcmp(data, expected, sizeof(expected)), 0);
  dlclose(handle);
}

TEST_F(NativeTest, WeightsOfAnotherSizeAreOurBug) {
  std::vector<WeightItem> items(1);
  items[0] = {.name = "w", .offset = 0, .size = 16, .tensor = floats({1, 2, 3}, {3}, {1}), .pack = nullptr};
  EXPECT_THROW(write_weights_object(items, 64, "w", *find_target("native"), path("w.o")), InternalError);
}

}  // namespace
}  // namespace tsc::codegen
