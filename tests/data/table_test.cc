#include "scalemix/data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> row(const Table& table, std::size_t i) {
  std::vector<std::string> cells;
  for (std::size_t j = 0; j < table.columns(); ++j) cells.emplace_back(table.cell(i, j));
  return cells;
}

TEST(Table, ReadsQuotesLineEndsAndMarks) {
  const Table t = parse_table(
      "\xEF\xBB\xBF"
      "name,note,y\r\n\"a, b\",\"say \"\"hi\"\"\",1\r\n\r\nc,\"two\nlines\",2\r\nd,,3",
      "t.csv");
  EXPECT_TRUE(t.header());
  EXPECT_THAT(t.names(), ElementsAre("name", "note", "y"));
  ASSERT_EQ(t.rows(), 3u);
  EXPECT_THAT(row(t, 0), ElementsAre("a, b", "say \"hi\"", "1"));
  EXPECT_THAT(row(t, 1), ElementsAre("c", "two\nlines", "2"));
  EXPECT_THAT(row(t, 2), ElementsAre("d", "", "3"));
  EXPECT_EQ(t.line(0), 2u);
  EXPECT_EQ(t.line(1), 4u);
  EXPECT_EQ(t.line(2), 6u);
}

TEST(Table, ReadsACellTheSameWithAndWithoutQuotes) {
  // A line without quotes is cut by us, one with quotes by libcsv.
  const std::vector<std::string> cells = {"", "1", "-2.5e3", "a b", "x", "0", "", "\xC3\xA9"};
  for (const char separator : {',', ';', '\t'}) {
    for (const std::string end : {"\n", "\r\n"}) {
      std::string plain, quoted;
      for (std::size_t i = 0; i < 60; ++i) {
        const std::string& cell = cells[i * 7 % 11 % cells.size()];
        const std::string blanks = i % 3 == 0 && separator != '\t' ? " \t" : "";
        const std::string after = i % 5 == 4 ? end + (i % 2 ? end : "") : std::string(1, separator);
        plain += blanks + cell + blanks + after;
        quoted += '"' + cell + '"' + after;
      }
      const TableOptions options{.header = false, .separator = separator};
      const Table a = parse_table(plain, "t.csv", options),
                  b = parse_table(quoted, "t.csv", options);
      ASSERT_EQ(a.rows(), 12u);
      ASSERT_EQ(b.rows(), 12u);
      for (std::size_t i = 0; i < a.rows(); ++i) {
        EXPECT_EQ(row(a, i), row(b, i)) << i;
        EXPECT_EQ(a.line(i), b.line(i)) << i;
      }
    }
  }
}

TEST(Cell, IsReadAsTheNearestDouble) {
  // Short decimals go a faster way than the rest.
  std::uint64_t state = 1;
  const auto next = [&](std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
  for (int i = 0; i < 20000; ++i) {
    std::string text = next(2) ? "-" : "";
    const std::size_t before = next(10), behind = next(12);
    for (std::size_t k = 0; k < before; ++k) text += static_cast<char>('0' + next(10));
    if (behind || next(2)) text += '.';
    for (std::size_t k = 0; k < behind; ++k) text += static_cast<char>('0' + next(10));
    if (next(4) == 0) text += "e" + std::to_string(next(20));
    double value = 0;
    if (before + behind == 0) {
      EXPECT_EQ(read_cell(text, value), text.empty() ? Cell::missing : Cell::text) << text;
      continue;
    }
    ASSERT_EQ(read_cell(text, value), Cell::number) << text;
    const double exact = std::strtod(text.c_str(), nullptr);
    EXPECT_EQ(value, exact) << text;
    EXPECT_EQ(std::signbit(value), std::signbit(exact)) << text;
  }
}

TEST(Table, CutsALineOfBlanksAndTabsAsLibcsvDoes) {
  const Table t =
      parse_table("1\t2\n \t\n\t\t\n3\t4\n", "t.tsv", {.header = false, .separator = ','});
  EXPECT_EQ(t.columns(), 1u);
  EXPECT_EQ(t.rows(), 2u);
  EXPECT_THROW(parse_table("1,2\n3,4,5\n", "t.csv"), DataError);
}

TEST(Table, SeesTheSeparator) {
  EXPECT_EQ(parse_table("1;2;3\n4;5;6\n", "t.csv").columns(), 3u);
  EXPECT_EQ(parse_table("1\t2\n3\t4\n", "t.csv").columns(), 2u);
  EXPECT_EQ(parse_table("1,2\n3,4\n", "t").columns(), 2u);
  EXPECT_EQ(parse_table("  1   2 \t 3\n4 5 6\n", "t.txt").columns(), 3u);
  EXPECT_EQ(parse_table("New York\nOld Town\n", "t.csv").columns(), 1u);
  EXPECT_EQ(parse_table("\"a,b\";1\n\"c,d,e\";2\n", "t.csv").columns(), 2u);
  EXPECT_EQ(parse_table("1,2\r3,4\r", "t.csv").rows(), 2u);
  // Both stand equally often on all lines: the one that makes more columns.
  EXPECT_EQ(parse_table("a,b;c;d;e\nf,g;h;i;j\n", "t.csv").columns(), 4u);
}

TEST(Table, SeesTheHeader) {
  EXPECT_TRUE(parse_table("a,b\n1,2\n", "t.csv").header());
  EXPECT_TRUE(parse_table("id,2019\nx,1\n", "t.csv", {true, 0}).header());
  EXPECT_TRUE(parse_table("size,2019\n3,1\n", "t.csv").header());
  EXPECT_FALSE(parse_table("1,2\n3,4\n", "t.csv").header());
  EXPECT_FALSE(parse_table("red,2\nblue,4\n", "t.csv").header());
  EXPECT_FALSE(parse_table("?,2\n1,4\n", "t.csv").header());
  EXPECT_FALSE(parse_table("a,b\n1,2\n", "t.csv", {false, 0}).header());
  EXPECT_THAT(parse_table("1,2\n", "t.csv").names(), ElementsAre("1", "2"));
}

TEST(Table, TellsNumbersFromWhatIsNone) {
  double v = 0;
  for (const char* text : {"1", "-2.5", "+3", "1e-3", ".5", "1e-400"}) {
    EXPECT_EQ(read_cell(text, v), Cell::number) << text;
  }
  for (const char* text : {"", "?", "NA", "NaN", "nan", "null", "N/A"}) {
    EXPECT_EQ(read_cell(text, v), Cell::missing) << text;
  }
  for (const char* text : {"abc", "1x", "1,5", "+-3", "--1", "+", "0x10"}) {
    EXPECT_EQ(read_cell(text, v), Cell::text) << text;
  }
  EXPECT_EQ(read_cell("inf", v), Cell::infinite);
  EXPECT_EQ(read_cell("-Infinity", v), Cell::infinite);
  EXPECT_EQ(read_cell("1e39", v), Cell::too_large);
  EXPECT_EQ(read_cell("1e999", v), Cell::too_large);
  read_cell("-2.5", v);
  EXPECT_EQ(v, -2.5);
}

std::string error_of(const std::string& text) {
  return message_of<DataError>([&] { parse_table(text, "t.csv"); });
}

TEST(Table, NamesTheLineOfARaggedRow) {
  EXPECT_EQ(error_of("a,b\n1,2\n3\n"), "t.csv:3: expected 2 columns as in the first row, got 1");
  EXPECT_EQ(error_of("a,b\n1,\"x\ny\"\n3,4,5\n"),
            "t.csv:4: expected 2 columns as in the first row, got 3");
  EXPECT_EQ(error_of("a,b\n1,2\n3"), "t.csv:3: expected 2 columns as in the first row, got 1");
}

TEST(Table, NamesTheCellOfABrokenQuote) {
  EXPECT_THAT(error_of("a,b\n1,x\"y\n"), HasSubstr("t.csv:2:2: a quote inside a cell"));
  EXPECT_THAT(error_of("a,b\n1,\"open\n2,3\n"),
              HasSubstr("t.csv:2:2: the quote of this cell is never"));
}

TEST(Table, RefusesNothingBytesAndTwoColumnsOfOneName) {
  EXPECT_EQ(error_of(""), "t.csv: the table is empty");
  EXPECT_EQ(error_of("\n\n"), "t.csv: the table is empty");
  EXPECT_THAT(error_of(std::string("a\0b", 3)), HasSubstr("not a text table"));
  EXPECT_THAT(error_of("a,a\n1,2\n"), HasSubstr("t.csv:1:2: a second column is named 'a'"));
}

TEST(Table, ReadsGzipAndRefusesItTruncatedOrDamaged) {
  const TempFolder folder;
  std::string plain = "a,b\n";
  for (int i = 0; i < 5000; ++i) plain += std::to_string(i * 7919) + "," + std::to_string(i) + "\n";
  const std::string packed = gzip(plain);
  EXPECT_EQ(read_table(folder.write("t.csv.gz", packed)).rows(), 5000u);
  // Two members after one another are one text.
  EXPECT_EQ(gunzip(packed + gzip("1,2\n"), "t"), plain + "1,2\n");
  for (const std::size_t cut :
       {packed.size() - 1, packed.size() - 8, packed.size() / 2, std::size_t{12}}) {
    const std::string path = folder.write("cut.csv.gz", packed.substr(0, cut));
    EXPECT_THAT(message_of<DataError>([&] { read_table(path); }), HasSubstr("truncated gzip"))
        << cut;
  }
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;  // in the check sum
  EXPECT_THAT(message_of<DataError>([&] { gunzip(damaged, "t"); }), HasSubstr("damaged gzip"));
}

TEST(Table, TellsAMissingFileFromAFolder) {
  const TempFolder folder;
  try {
    read_table(folder.path + "/none.csv");
    FAIL() << "a missing file was read";
  } catch (const FileError& e) {
    EXPECT_TRUE(e.missing);
  }
  EXPECT_THAT(message_of<DataError>([&] { read_table(folder.path); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace scalemix::data
