#include "bhroute/core/sha256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/core/file.h"
#include "core/temporary_folder.h"

namespace bhroute {
namespace {

using ::testing::HasSubstr;

// FIPS 180-4's published examples.
TEST(Sha256, PublishedVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, AFileReadInPiecesHasTheHashOfItsBytes) {
  testing::TemporaryFolder folder;
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20, (std::size_t{2} << 20) + 17}) {
    const std::string content(size, 'q');
    ASSERT_TRUE(write_file(folder / "a", content));
    EXPECT_EQ(sha256_file(folder / "a").value(), sha256(content)) << size;
  }
}

TEST(Sha256, UnreadableFilesAreErrors) {
  testing::TemporaryFolder folder;
  EXPECT_THAT(to_string(sha256_file(folder / "missing").error()),
              HasSubstr("cannot read the file"));
  EXPECT_FALSE(sha256_file(folder.path()));
}

}  // namespace
}  // namespace bhroute
