#include "scalemix/data/download.h"

#include <curl/curl.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/base/sha256.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// One transfer into a part file.
struct Transfer {
  std::FILE* part;
  std::string destination;
  std::uint64_t start;  // bytes that were there before
  std::uint64_t size;   // that there may be in all
  const Progress* progress;
  std::uint64_t received = 0;
  bool disk_failed = false, too_large = false;
};

std::uint64_t size_of(const std::string& path) {
  std::error_code none;
  const auto size = fs::file_size(path, none);
  return none ? 0 : size;
}

std::size_t on_data(char* bytes, std::size_t, std::size_t n, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.received += n;
  transfer.too_large = transfer.start + transfer.received > transfer.size;
  if (transfer.too_large) return 0;  // ends the transfer
  const std::size_t written = std::fwrite(bytes, 1, n, transfer.part);
  transfer.disk_failed = transfer.disk_failed || written != n;
  return written;
}

int on_progress(void* self, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(self);
  if (*transfer.progress) {
    (*transfer.progress)(transfer.destination, transfer.start + static_cast<std::uint64_t>(done),
                         total > 0 ? transfer.start + static_cast<std::uint64_t>(total) : 0);
  }
  return 0;
}

void configure(CURL* curl, const std::string& url, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
  // A connection that stands still for a minute has failed.
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.start));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

/// Fetches the rest of a part; "" or why it failed. Throws FileError if the disk fails, DataError where
/// more comes than there should be.
std::string fetch(const std::string& url, const std::string& part, const std::string& destination,
                  std::uint64_t size, const Progress& progress) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) throw std::bad_alloc();
  File file(std::fopen(part.c_str(), "ab"), &std::fclose);
  if (!file) throw FileError(part, std::string("cannot write: ") + std::strerror(errno));
  Transfer transfer{file.get(), destination, size_of(part), size, &progress};
  configure(curl.get(), url, transfer);
  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (std::fclose(file.release()) != 0 || transfer.disk_failed) {
    throw FileError(part, std::string("cannot write: ") + std::strerror(errno));
  }
  if (transfer.too_large) {
    fs::remove(part);
    throw DataError(destination, 0, 0,
                    "more comes from " + url + " than the " + std::to_string(size) +
                        " bytes that the file has");
  }
  if (code == CURLE_RANGE_ERROR && transfer.start > 0) {
    // The server cannot continue a file: start anew.
    fs::remove(part);
    return fetch(url, part, destination, size, progress);
  }
  // "Range not satisfiable": the part is whole already, or wrong; the digest will tell.
  if (code == CURLE_OK || status == 416) return "";
  return status >= 400 ? "status " + std::to_string(status) : curl_easy_strerror(code);
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void make_folder(const std::string& destination) {
  const fs::path folder = fs::path(destination).parent_path();
  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) throw FileError(folder.string(), "cannot make the folder: " + error.message());
}

}  // namespace

void download(const std::vector<std::string>& urls, const std::string& sha256, std::uint64_t size,
              const std::string& destination, const Progress& progress) {
  check(!urls.empty(), "download", "expected at least one url");
  check(is_digest(sha256), "download", "expected a digest of 64 hexadecimal digits");
  make_folder(destination);
  const std::string part = destination + ".part";
  if (size_of(part) > size) std::remove(part.c_str());  // of something else
  std::string failures;
  for (const std::string& url : urls) {
    const std::string failure = fetch(url, part, destination, size, progress);
    if (!failure.empty()) {
      failures += "\n  " + url + ": " + failure;
      continue;
    }
    const std::string got = sha256_file(part);
    if (got != sha256) {
      std::remove(part.c_str());
      throw DataError(destination, 0, 0,
                      "wrong checksum from " + url + ": expected " + sha256 + ", got " + got);
    }
    rename_durably(part, destination);
    return;
  }
  throw FileError(destination,
                  "could not be downloaded; what was received is kept for the next try" + failures);
}

}  // namespace scalemix::inline v0::data
