// Tables, arrays, images and their folders.

#include <fmt/format.h>

#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/cifar.h"
#include "scalemix/data/describe.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"
#include "scalemix/data/uci.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/target.h"

namespace scalemix::fuzz {
namespace {

using namespace data;

void read_csv(std::string_view input) {
  for (const char* name : {"t.csv", "t.txt"}) {
    answers([&] {
      const Table table = parse_table(std::string(input), name);
      const Schema schema = learn_schema(table);
      encode(table, schema_from_text(to_text(schema)));
    });
  }
  answers([&] {
    const Table table = parse_table(std::string(input), "t.csv", {true, 0});
    OpenOptions options;
    options.task = Task::classification;
    options.missing = "drop";
    encode(table, learn_schema(table, options), {data::Target::required, true});
  });
}

std::vector<std::string> tables() {
  return {"a,b,c\n1,2,3\n4,,6\n7,8.5,9e1\n",
          "size;city;price\r\n1;Paris;17\r\n2;\"Ro\"\"me\";18\r\n3;Paris;\r\n",
          "x\ty\n1\t2\n3\t4\n",
          "1 2 3\n4 5 6\n",
          "\xEF\xBB\xBF\"a,\nb\",c\n1,yes\n2,no\n",
          "a,b\n1e39,1\n-1e-400,2\ninf,3\nnan,4\n",
          "a,b\n1\n",
          "a,a\n1,2\n",
          "\"open",
          "a\rb\r1\r2"};
}

void use(const Arrays& arrays) {
  answers([&] { dataset_of(arrays, {}); });
  OpenOptions options;
  options.task = Task::classification;
  answers([&] { describe(dataset_of(arrays, options)); });
}

void read_npy(std::string_view input) {
  answers([&] { use({"a.npy", parse_npy(input, "a.npy"), std::nullopt}); });
  answers([&] { parse_npy_double(input, "a.npy"); });
}

std::string npy_of(const std::string& type, const std::string& shape, const std::string& values,
                   const char* order = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' + header +
         values;
}

std::vector<std::string> npys() {
  std::string axes = "(";
  for (int i = 0; i < 60; ++i) axes += "1,";
  return {format_npy({{2, 3}, false, {1, -2.5f, 3, 4, 5, 6}}),
          format_npy({{4}, true, {0, 1, 2, 1}}),
          npy_of("<f8", "(2, 2)", std::string(32, '\x3f'), "True"),
          npy_of(">u2", "(4L, 1L)", "12345678"),
          npy_of("|b1", "(2, 2)", std::string("\0\1\1\0", 4)),
          npy_of("<i8", "(1,)", std::string(8, '\x7f')),
          npy_of("|u1", axes + ")", "1"),
          npy_of("<f4", "(0, 4294967296, 4294967296)", "")};
}

void read_npz(std::string_view input) {
  answers([&] { parse_npz(input, "a.npz"); });
  answers([&] { use(arrays_of_npz(input, "a.npz")); });
}

std::vector<std::string> npzs() {
  const Array x{{3, 2}, false, {1, 2, 3, 4, 5, 6}};
  std::vector<std::string> out{format_npz({{"x", x}, {"y", {{3}, true, {0, 1, 0}}}}),
                               format_npz({{"x", x}, {"y", {{3}, false, {1e30f, 2e30f, 0}}}}),
                               format_npz({{"data", x}}), format_npz({})};
  // Two members over the same bytes.
  std::string twice = format_npz({{"w", x}, {"x", x}});
  const std::size_t second = twice.rfind("PK\x01\x02");
  for (std::size_t i = 0; i < 4; ++i) twice[second + 42 + i] = '\0';
  out.push_back(twice);
  return out;
}

void read_idx(std::string_view input) {
  answers([&] { use({"a-ubyte", parse_idx(input, "a-ubyte"), std::nullopt}); });
}

std::vector<std::string> idxs() {
  return {std::string("\0\0\x08\x01\0\0\0\x03\1\2\3", 11),
          std::string("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abcd", 20),
          std::string("\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff", 12)};
}

void read_cifar(std::string_view input) {
  static const Folder folder("cifar");
  const std::string file = folder.write("data_batch_1.bin", input);
  answers([&] { open_cifar(file); });
}

std::vector<std::string> cifars() {
  return {std::string(3073, '\5'), std::string(2 * 3073, '\0'), ""};
}

/// The files of a folder, a line of "==" between two.
constexpr const char* kUciFiles[] = {"data.txt",          "index_features.txt", "index_target.txt",
                                     "n_splits.txt",      "index_train_0.txt",  "index_test_0.txt",
                                     "index_train_1.txt", "index_test_1.txt"};

void read_uci(std::string_view input) {
  static const Folder folder("uci");
  for (const char* file : kUciFiles) {
    const std::size_t end = input.find("==\n");
    folder.write(file, input.substr(0, end));
    input.remove_prefix(end == input.npos ? input.size() : end + 3);
  }
  answers([&] { open_uci(folder.path()); });
}

std::vector<std::string> ucis() {
  return {"1 2 3\n4 5 6\n7 8 9\n==\n0\n1\n==\n2\n==\n2\n==\n0\n1\n==\n2\n==\n1\n2\n==\n0\n",
          "1 2\n3 4\n==\n0.0\n==\n1e0\n==\n1\n==\n0\n==\n1\n"};
}

void read_gzip(std::string_view input) {
  answers([&] { gunzip(input, "a.gz"); });
}

std::vector<std::string> gzips() {
  const std::string one = gzip("a,b\n1,2\n");
  return {one, one + one, one + std::string(512, '\0'), one + "x", gzip(std::string(100000, 'a'))};
}

void read_schema(std::string_view input) {
  answers([&] {
    const Schema schema = schema_from_text(std::string(input));
    encode(parse_table("a,b,c\n1,2,x\n", "t.csv"), schema);
  });
}

std::vector<std::string> schemas() {
  std::vector<std::string> out;
  for (const std::string& table : tables()) {
    answers([&] { out.push_back(to_text(learn_schema(parse_table(table, "t.csv")))); });
  }
  return out;
}

}  // namespace

const Target kCsv{"csv", read_csv, tables};
const Target kNpy{"npy", read_npy, npys};
const Target kNpz{"npz", read_npz, npzs};
const Target kIdx{"idx", read_idx, idxs};
const Target kCifar{"cifar", read_cifar, cifars};
const Target kUci{"uci", read_uci, ucis};
const Target kGzip{"gzip", read_gzip, gzips};
const Target kSchema{"schema", read_schema, schemas};

}  // namespace scalemix::fuzz
