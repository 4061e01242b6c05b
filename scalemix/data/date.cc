#include "scalemix/data/date.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <string>

#include "scalemix/data/notation.h"

namespace scalemix::inline v0::data {
namespace {

/// A text that is read from the front.
struct Scan {
  std::string_view rest;

  bool take(char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  /// Two digits, whatever is behind them.
  std::optional<int> two() {
    Scan first{rest.substr(0, 2)};
    const auto value = first.number(2, 2);
    if (value) rest.remove_prefix(2);
    return value;
  }
  /// Digits, from `least` to `most` of them.
  std::optional<int> number(std::size_t least, std::size_t most) {
    std::size_t n = 0;
    while (n < rest.size() && rest[n] >= '0' && rest[n] <= '9') ++n;
    if (n < least || n > most) return std::nullopt;
    int value = 0;
    std::from_chars(rest.data(), rest.data() + n, value);
    rest.remove_prefix(n);
    return value;
  }
};

bool exists(int year, int month, int day) {
  using namespace std::chrono;
  return year_month_day{std::chrono::year{year}, std::chrono::month(static_cast<unsigned>(month)),
                        std::chrono::day(static_cast<unsigned>(day))}
      .ok();
}

bool take_day(Scan& scan, Date& date) {
  Scan s = scan;
  std::optional<int> year, month, day;
  if ((year = s.number(4, 4)) && !s.rest.empty() && (s.rest[0] == '-' || s.rest[0] == '/')) {
    const char between = s.rest[0];
    s.take(between);
    if (!(month = s.number(1, 2)) || !s.take(between) || !(day = s.number(1, 2))) return false;
  } else {
    s = scan;
    if (!(day = s.number(1, 2)) || !s.take('.') || !(month = s.number(1, 2)) || !s.take('.') ||
        !(year = s.number(4, 4))) {
      return false;
    }
  }
  if (!exists(*year, *month, *day)) return false;
  date.year = *year, date.month = *month, date.day = *day;
  scan = s;
  return true;
}

bool take_time(Scan& s, Date& date) {
  const auto hours = s.number(1, 2);
  if (!hours || *hours > 23 || !s.take(':')) return false;
  const auto minutes = s.number(2, 2);
  if (!minutes || *minutes > 59) return false;
  date.seconds = 3600.0 * *hours + 60.0 * *minutes;
  if (s.take(':')) {
    const auto seconds = s.number(2, 2);
    if (!seconds || *seconds > 60) return false;
    date.seconds += *seconds;
    if (s.take('.') || s.take(',')) {
      double digit = 0.1;
      for (; !s.rest.empty() && s.rest[0] >= '0' && s.rest[0] <= '9'; digit /= 10) {
        date.seconds += digit * (s.rest[0] - '0');
        s.rest.remove_prefix(1);
      }
    }
  }
  if (s.take('Z') || s.rest.empty()) return s.rest.empty();
  s.take(' ');
  const double sign = s.rest.starts_with('-') ? -1 : 1;
  if (!s.take('-') && !s.take('+')) return false;
  const auto h = s.two();
  s.take(':');
  const auto m = s.rest.empty() ? std::optional<int>(0) : s.two();
  if (!h || !m || *h > 14 || *m > 59 || !s.rest.empty()) return false;
  date.seconds -= sign * (3600.0 * *h + 60.0 * *m);
  return true;
}

}  // namespace

std::optional<Date> read_date(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 4 || text.size() > 40) return std::nullopt;
  Scan scan{text};
  Date date;
  const bool day = take_day(scan, date);
  if (day && scan.rest.empty()) return date;
  if (day && !scan.take('T') && !scan.take(' ')) return std::nullopt;
  if (!take_time(scan, date)) return std::nullopt;
  return date;
}

bool ambiguous_date(std::string_view text) {
  Scan s{trimmed(text)};
  for (const char between : {'/', '-'}) {
    Scan t = s;
    if (t.number(1, 2) && t.take(between) && t.number(1, 2) && t.take(between) && t.number(2, 4) &&
        (t.rest.empty() || t.rest[0] == ' ')) {
      return true;
    }
  }
  return false;
}

const std::vector<std::string_view>& date_parts() {
  static const std::vector<std::string_view> parts = {"year", "month", "weekday", "seconds"};
  return parts;
}

double date_part(const Date& date, std::string_view part) {
  using namespace std::chrono;
  const bool time_alone = date.month == 0;
  if (time_alone)
    return part == "seconds" ? date.seconds : std::numeric_limits<double>::quiet_NaN();
  if (part == "year") return date.year;
  if (part == "month") return date.month;
  const sys_days days{year_month_day{std::chrono::year{date.year},
                                     std::chrono::month(static_cast<unsigned>(date.month)),
                                     std::chrono::day(static_cast<unsigned>(date.day))}};
  if (part == "weekday") return weekday{days}.iso_encoding();
  return 86400.0 * static_cast<double>(days.time_since_epoch().count()) + date.seconds;
}

}  // namespace scalemix::inline v0::data
