#include "runtime/core/containers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "runtime/core/object.h"

namespace tsc {
namespace {

Str make_str(Context& ctx, const std::string& text) {
  return Str::copy(ctx, text.data(), static_cast<i64>(text.size()));
}
std::string to_string(const Str& text) { return {text.data(), static_cast<size_t>(text.size())}; }
std::vector<i64> to_vector(const List<i64>& list) { return {list.begin(), list.end()}; }

TEST(List, IndexesAsPython) {
  Context ctx;
  const List<i64> list = List<i64>::of(ctx, 1, 2, 3);
  EXPECT_EQ(list.get(ctx, -1), 3);
  list.set(ctx, -3, 7);
  EXPECT_EQ(list.get(ctx, 0), 7);
  EXPECT_TRUE(ctx.ok());
  list.get(ctx, 3);
  EXPECT_EQ(ctx.error().kind, ErrorKind::kIndex);
  EXPECT_STREQ(ctx.error().message, "list index out of range");
}

TEST(List, PopOfEmpty) {
  Context ctx;
  const List<i64> list = List<i64>::make(ctx);
  list.pop(ctx);
  EXPECT_STREQ(ctx.error().message, "pop from empty list");
}

TEST(List, IsSharedAndCopies) {
  Context ctx;
  {
    const List<i64> list = List<i64>::of(ctx, 1, 2);
    const List<i64> same = list;
    const List<i64> copy = list.copy(ctx);
    same.append(3);
    list.extend(list);
    EXPECT_EQ(to_vector(list), (std::vector<i64>{1, 2, 3, 1, 2, 3}));
    EXPECT_EQ(to_vector(copy), (std::vector<i64>{1, 2}));
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(List, AgreesWithVectorOnRandomEdits) {
  Context ctx;
  std::mt19937 random(1);
  {
    const List<Str> list = List<Str>::make(ctx);
    std::vector<std::string> reference;
    for (int step = 0; step < 5000; ++step) {
      const auto size = static_cast<i64>(reference.size());
      const i64 index = static_cast<i64>(random() % 40) - 20;
      const std::string text = std::to_string(random());
      switch (random() % 4) {
        case 0:
          list.append(make_str(ctx, text));
          reference.push_back(text);
          break;
        case 1: {
          list.insert(ctx, index, make_str(ctx, text));
          const i64 place = std::clamp<i64>(index < 0 ? index + size : index, 0, size);
          reference.insert(reference.begin() + place, text);
          break;
        }
        case 2:
          if (index < -size || index >= size) break;
          EXPECT_EQ(to_string(list.pop(ctx, index)), reference[static_cast<size_t>(index < 0 ? index + size : index)]);
          reference.erase(reference.begin() + (index < 0 ? index + size : index));
          break;
        default:
          if (size > 60) {
            list.clear();
            reference.clear();
          }
      }
      ASSERT_EQ(list.size(), static_cast<i64>(reference.size()));
      for (size_t i = 0; i < reference.size(); ++i) ASSERT_EQ(to_string(list[static_cast<i64>(i)]), reference[i]);
    }
  }
  EXPECT_TRUE(ctx.ok());
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(List, OfAFailedContextIgnoresWrites) {
  Context ctx;
  ctx.fail(ErrorKind::kRuntime, "no");
  const List<i64> list = List<i64>::of(ctx, 1, 2);
  list.append(3);
  list.insert(ctx, 0, 1);
  list.set(ctx, 0, 1);
  EXPECT_EQ(list.size(), 0);
  EXPECT_EQ(list.pop(ctx), 0);
}

TEST(ConstantList, ReadsAsAList) {
  static constinit const ConstantList<i64, 2> constant(3, 4);
  const List<i64> list = constant;
  EXPECT_EQ(to_vector(list), (std::vector<i64>{3, 4}));
  Context ctx;
  EXPECT_EQ(to_vector(list.copy(ctx)), to_vector(list));
}

TEST(Dict, KeepsOrderAndAgreesWithAReferenceOnRandomEdits) {
  Context ctx;
  std::mt19937 random(2);
  {
    const Dict<Str, i64> dict = Dict<Str, i64>::make(ctx);
    std::vector<std::pair<std::string, i64>> reference;
    const auto find = [&](const std::string& key) {
      return std::find_if(reference.begin(), reference.end(), [&](const auto& entry) { return entry.first == key; });
    };
    for (int step = 0; step < 20000; ++step) {
      const std::string key = "k" + std::to_string(random() % 50);
      const i64 value = static_cast<i64>(random());
      const auto found = find(key);
      if (random() % 3 != 0) {
        dict.set(make_str(ctx, key), value);
        if (found == reference.end()) {
          reference.emplace_back(key, value);
        } else {
          found->second = value;
        }
      } else if (found != reference.end()) {
        EXPECT_EQ(dict.pop(ctx, make_str(ctx, key)), found->second);
        reference.erase(found);
      } else {
        EXPECT_FALSE(dict.contains(make_str(ctx, key)));
      }
      if (step % 997 == 0) {
        dict.clear();
        reference.clear();
      }
      ASSERT_EQ(dict.size(), static_cast<i64>(reference.size()));
      size_t i = 0;
      for (const auto& entry : dict) {
        ASSERT_EQ(to_string(entry.key), reference[i].first);
        ASSERT_EQ(entry.value, reference[i++].second);
      }
      ASSERT_EQ(i, reference.size());
    }
  }
  EXPECT_TRUE(ctx.ok());
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Dict, FindsAmongManyKeysOfEachType) {
  Context ctx;
  const Dict<i64, i64> ints = Dict<i64, i64>::make(ctx);
  const Dict<double, i64> floats = Dict<double, i64>::make(ctx);
  for (i64 i = 0; i < 1000; ++i) {
    ints.set(i << 32, i);
    floats.set(static_cast<double>(i) * 0.5, i);
  }
  for (i64 i = 0; i < 1000; ++i) {
    ASSERT_EQ(ints.get(ctx, i << 32), i);
    ASSERT_EQ(floats.get(ctx, static_cast<double>(i) * 0.5), i);
  }
  EXPECT_EQ(floats.get(ctx, -0.0), 0);
  const Tensor tensor = Tensor::empty(ctx, DType::kFloat32, dims(1));
  const Dict<Tensor, i64> tensors = Dict<Tensor, i64>::make(ctx);
  tensors.set(tensor, 5);
  EXPECT_EQ(tensors.get(ctx, tensor), 5);
  EXPECT_FALSE(tensors.contains(tensor.alias(ctx)));
  EXPECT_TRUE(ctx.ok());
  ints.get(ctx, 1);
  EXPECT_EQ(ctx.error().kind, ErrorKind::kKey);
  EXPECT_STREQ(ctx.error().message, "the dict has no key 1");
}

TEST(Str, SlicesShareAndOutliveTheirString) {
  Context ctx;
  {
    Str part;
    {
      const Str whole = Str::concat(ctx, "hello ", make_str(ctx, "world"));
      part = whole.slice(6, 11);
    }
    EXPECT_EQ(to_string(part), "world");
    EXPECT_TRUE(part == "world");
    EXPECT_TRUE(Str("abc") < "abd" && Str("ab") < "abc" && !(Str("b") < "abc"));
    EXPECT_TRUE(Str::concat(ctx, "", "").empty());
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Scalar, ConvertsAsPython) {
  EXPECT_EQ(Scalar(2.9).to_int(), 2);
  EXPECT_EQ(Scalar(-2.9).to_int(), -2);
  EXPECT_EQ(Scalar(1e30).to_int(), INT64_MAX);
  EXPECT_EQ(Scalar(-1e30).to_int(), INT64_MIN);
  EXPECT_EQ(Scalar(__builtin_nan("")).to_int(), 0);
  EXPECT_EQ(Scalar(i64{1} << 62).to_int(), i64{1} << 62);
  EXPECT_TRUE(Scalar(0.5).to_bool() && !Scalar(0.0).to_bool() && Scalar(Complex<double>(0, 1)).to_bool());
  EXPECT_TRUE(Scalar(true) == Scalar(1) && Scalar(1) == Scalar(1.0) && !(Scalar(1) == Scalar(1.5)));
}

TEST(Tuple, HoldsValues) {
  Context ctx;
  Tuple<i64, Str, List<i64>> tuple(1, "a", List<i64>::of(ctx, 4));
  tuple.get<0>() += 1;
  EXPECT_EQ(tuple.get<0>(), 2);
  EXPECT_TRUE(tuple.get<1>() == "a");
  EXPECT_EQ(tuple.get<2>().get(ctx, 0), 4);
}

struct Node : Object {
  i64 value = 0;
  Optional<Ref<Node>> next;
};

TEST(Ref, ObjectsAreSharedAndEnd) {
  Context ctx;
  {
    const Ref<Node> first = Ref<Node>::make(ctx);
    const Ref<Node> second = Ref<Node>::make(ctx);
    first->next = second;
    (*first->next)->value = 9;
    EXPECT_EQ(second->value, 9);
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

}  // namespace
}  // namespace tsc
