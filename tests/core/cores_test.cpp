#include "bhroute/core/cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>

#include "core/temporary_folder.h"

namespace bhroute {
namespace {

void write(const std::filesystem::path& path, const char* content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << content;
}

TEST(Cores, TheSmallestQuotaOfTheGroupsAboveCounts) {
  testing::TemporaryFolder folder;
  const std::filesystem::path member = folder / "member", root = folder / "root";
  EXPECT_FALSE(cgroup_quota(member, root));
  write(member, "1:cpu:/old\n0::/slice/service\n");
  EXPECT_FALSE(cgroup_quota(member, root));
  write(root / "slice/service/cpu.max", "max 100000\n");
  EXPECT_FALSE(cgroup_quota(member, root));
  write(root / "slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_quota(member, root), 1.5);
  write(root / "cpu.max", "800000 100000\n");
  EXPECT_EQ(cgroup_quota(member, root), 1.5);
  write(root / "slice/service/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_quota(member, root), 0.5);
  write(member, "0::/\n");
  EXPECT_EQ(cgroup_quota(member, root), 8.0);
  write(member, "1:cpu:/slice\n");  // version 1
  EXPECT_FALSE(cgroup_quota(member, root));
}

TEST(Cores, NoMoreThanTheAffinity) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(usable_cores(), static_cast<std::size_t>(CPU_COUNT(&before)));
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1U);
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace bhroute
