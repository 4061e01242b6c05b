#include "scalemix/data/download.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "scalemix/base/error.h"
#include "scalemix/base/sha256.h"
#include "scalemix/data/bytes.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A web server of one file on the loopback, which can misbehave.
class Server {
 public:
  explicit Server(std::string content) : content(std::move(content)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot serve on the loopback");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/file"; }

  std::vector<std::size_t> starts() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return starts_;
  }

  const std::string content;
  std::atomic<std::size_t> cut{0};  // close the connection after so many bytes of content; 0: never
  std::atomic<bool> ranges{true};   // honour Range
  std::atomic<int> status{0};       // answer with this status instead

 private:
  void serve() {
    while (!stop_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      answer(client);
      ::close(client);
    }
  }

  void answer(int client) {
    std::string request;
    char piece[1024];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(client, piece, sizeof piece, 0);
      if (n <= 0) return;
      request.append(piece, static_cast<std::size_t>(n));
    }
    const std::size_t at = request.find("Range: bytes=");
    const std::size_t start = at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      starts_.push_back(start);
    }
    if (status)
      return send(client,
                  "HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 0\r\n\r\n");
    if (ranges && start >= content.size()) {
      return send(client, "HTTP/1.1 416 Range\r\nContent-Length: 0\r\n\r\n");
    }
    const std::size_t from = ranges ? start : 0;
    std::string head = from > 0
                           ? "HTTP/1.1 206 Part\r\nContent-Range: bytes " + std::to_string(from) +
                                 "-" + std::to_string(content.size() - 1) + "/" +
                                 std::to_string(content.size()) + "\r\n"
                           : "HTTP/1.1 200 OK\r\n";
    head += "Content-Length: " + std::to_string(content.size() - from) +
            "\r\nConnection: close\r\n\r\n";
    send(client, head + content.substr(from, cut ? cut.load() : std::string::npos));
  }

  static void send(int client, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(client, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
  }

  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::size_t> starts_;
  std::thread thread_;
};

std::string noise(std::size_t size) {
  std::string bytes;
  for (std::uint32_t i = 0, v = 1; i < size; ++i)
    bytes += static_cast<char>((v = v * 1664525 + 1013904223) >> 24);
  return bytes;
}

class Download : public testing::Test {
 protected:
  bool exists(const std::string& path) const { return std::filesystem::exists(path); }
  void fetch() { download({server.url()}, digest, server.content.size(), file); }

  const TempFolder folder;
  // The loopback is asked directly, whatever proxy the machine has.
  const ScopedVariable no_proxy{"no_proxy", "127.0.0.1"};
  Server server{noise(300000)};
  const std::string digest = sha256(server.content);
  const std::string file = folder.path + "/deep/er/file", part = file + ".part";
};

TEST_F(Download, FetchesChecksAndReportsProgress) {
  std::uint64_t last = 0, total = 0;
  download({server.url()}, digest, server.content.size(), file,
           [&](const std::string& name, std::uint64_t done, std::uint64_t all) {
             EXPECT_EQ(name, file);
             EXPECT_GE(done, last);
             last = done;
             total = all;
           });
  EXPECT_EQ(read_bytes(file), server.content);
  EXPECT_EQ(last, server.content.size());
  EXPECT_EQ(total, server.content.size());
  EXPECT_FALSE(exists(part));
}

TEST_F(Download, ContinuesWhereACutConnectionStopped) {
  server.cut = 100000;
  EXPECT_THAT(message_of<FileError>([&] { fetch(); }), HasSubstr("kept for the next try"));
  EXPECT_FALSE(exists(file));
  ASSERT_TRUE(exists(part));
  EXPECT_EQ(std::filesystem::file_size(part), 100000u);
  server.cut = 0;
  fetch();
  EXPECT_EQ(read_bytes(file), server.content);
  EXPECT_FALSE(exists(part));
  EXPECT_THAT(server.starts(), ElementsAre(0, 100000));
}

TEST_F(Download, StartsAnewWhereTheServerKnowsNoRanges) {
  server.cut = 100000;
  EXPECT_THROW(fetch(), FileError);
  server.cut = 0;
  server.ranges = false;
  fetch();
  EXPECT_EQ(read_bytes(file), server.content);
}

TEST_F(Download, FinishesAPartThatIsWholeAlready) {
  folder.write("deep/er/file.part", server.content);
  fetch();
  EXPECT_EQ(read_bytes(file), server.content);
}

TEST_F(Download, DeletesWhatHasAWrongChecksum) {
  const std::string other = sha256("other");
  EXPECT_THAT(
      message_of<DataError>([&] { download({server.url()}, other, server.content.size(), file); }),
      HasSubstr("wrong checksum from http://127.0.0.1"));
  EXPECT_FALSE(exists(file));
  EXPECT_FALSE(exists(part));
}

TEST_F(Download, EndsWhereMoreComesThanTheFileHas) {
  const std::uint64_t size = server.content.size();
  EXPECT_THAT(message_of<DataError>([&] { download({server.url()}, digest, size - 1, file); }),
              HasSubstr("more comes from http://127.0.0.1"));
  EXPECT_FALSE(exists(file));
  EXPECT_FALSE(exists(part));
  // Behind a part that was there before, too.
  folder.write("deep/er/file.part", server.content.substr(0, 1000));
  EXPECT_THROW(download({server.url()}, digest, 2000, file), DataError);
  EXPECT_FALSE(exists(part));
  // A part of something larger is no beginning.
  folder.write("deep/er/file.part", std::string(size + 1, 'x'));
  fetch();
  EXPECT_EQ(read_bytes(file), server.content);
}

TEST_F(Download, TriesTheNextPlace) {
  Server broken("");
  broken.status = 404;
  download({broken.url(), server.url()}, digest, server.content.size(), file);
  EXPECT_EQ(read_bytes(file), server.content);
}

TEST_F(Download, SaysWhyEachPlaceFailed) {
  server.status = 503;
  EXPECT_THAT(message_of<FileError>([&] { fetch(); }), HasSubstr("status 503"));
  EXPECT_FALSE(exists(file));
}

TEST_F(Download, NamesAFolderItCannotMake) {
  folder.write("deep", "a file where a folder should be");
  EXPECT_THROW(fetch(), FileError);
}

TEST_F(Download, RefusesNoPlaceAndNoDigest) {
  EXPECT_THROW(download({}, digest, server.content.size(), file), std::invalid_argument);
  EXPECT_THROW(download({server.url()}, "abc", 1, file), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::data
