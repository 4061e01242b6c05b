// Dates and times in a table's cells, and the numbers that can be made of them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::data {

struct Date {
  int year = 0, month = 0, day = 0;  // 0 in a time alone
  double seconds = 0;                // since midnight, in UTC where the text has an offset
};

/// Reads 2021-03-04, 2021/3/4 or 4.3.2021, alone or with a time behind a blank or T; or a time
/// alone: 12:30, 12:30:15.5, then Z or +01:00. Day and month must exist in that year. Nothing for
/// other texts, 3/4/2021 among them: which of its numbers is the month cannot be seen.
std::optional<Date> read_date(std::string_view text);

/// Whether a text is 3/4/2021 or 3-4-21: a date whose order cannot be seen.
bool ambiguous_date(std::string_view text);

/// The words of --as for parts of a date, in the order of their columns: year, month, weekday,
/// seconds.
const std::vector<std::string_view>& date_parts();

/// One part: year; month, 1 to 12; weekday, 1 (Monday) to 7; seconds since 1970-01-01 00:00, or since
/// midnight of a time alone. NaN where the date has no such part. Requires: a word of date_parts().
double date_part(const Date& date, std::string_view part);

}  // namespace scalemix::inline v0::data
