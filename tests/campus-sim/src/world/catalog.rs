//! The courses, and the buildings in which they take place.

/// A course of the catalogue: name, English name, credits in tenths.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) english: &'static str,
    pub(super) tenths: u32,
}

const fn subject(name: &'static str, english: &'static str, tenths: u32) -> Subject {
    Subject { name, english, tenths }
}

/// Courses with a place in the week.
pub(super) const TAUGHT: [Subject; 36] = [
    subject("数据结构", "Data Structures", 40),
    subject("操作系统", "Operating Systems", 35),
    subject("计算机网络", "Computer Networks", 30),
    subject("数据库原理及应用", "", 35),
    subject("编译原理", "Compiler Principles", 30),
    subject("离散数学", "", 40),
    subject("线性代数", "Linear Algebra", 25),
    subject("概率论与数理统计", "", 30),
    subject("复变函数与积分变换", "", 30),
    subject("大学物理(2)", "College Physics II", 40),
    subject("大学英语(3)", "College English III", 30),
    subject("理论力学", "", 35),
    subject("材料力学", "Mechanics of Materials", 35),
    subject("工程流体力学", "", 25),
    subject("工程制图与CAD", "Engineering Drawing & CAD", 30),
    subject("电路分析", "", 35),
    subject("模拟电子技术", "Analog Electronics", 35),
    subject("自动控制原理", "", 30),
    subject("传感器技术", "", 20),
    subject("岩石力学", "Rock Mechanics", 25),
    subject("矿井通风与安全", "", 30),
    subject("地质学基础", "", 25),
    subject("遥感图像处理", "", 25),
    subject("大地测量学", "", 30),
    subject("会计学", "Accounting", 30),
    subject("微观经济学", "Microeconomics", 30),
    subject("运筹学", "", 30),
    subject("供应链管理", "", 20),
    subject("中国近现代史纲要", "", 20),
    subject("马克思主义基本原理", "", 30),
    subject("英汉互译", "", 20),
    subject("城市规划原理", "", 30),
    subject("Python程序设计", "Python Programming", 20),
    subject("人工智能导论", "", 20),
    subject("中国传统文化概论", "", 15),
    subject("影视鉴赏", "", 15),
];

/// Courses outdoors.
pub(super) const SPORTS: [&str; 6] = ["羽毛球", "太极拳", "篮球", "健美操", "乒乓球", "足球"];

/// Courses without a time slot.
pub(super) const UNSCHEDULED: [Subject; 8] = [
    subject("金工实习", "", 20),
    subject("认识实习", "", 10),
    subject("大学生职业生涯规划", "", 10),
    subject("创业基础", "", 10),
    subject("课程设计", "Course Project", 20),
    subject("社会实践", "", 10),
    subject("大学生心理健康教育", "", 5),
    subject("毕业实习", "", 30),
];

/// A building with rooms one can be taught or study in.
#[derive(Debug, Clone, Copy)]
pub struct Building {
    /// Code of the building in the classroom query (`zxJxl`).
    pub code: u32,
    /// Name as printed.
    pub name: &'static str,
    /// Number that leads a four-digit room number; 0 = three-digit rooms.
    pub room_prefix: u32,
    /// Floors.
    pub floors: u32,
    /// Rooms per floor.
    pub rooms: u32,
}

const fn building(code: u32, name: &'static str, room_prefix: u32, floors: u32, rooms: u32) -> Building {
    Building { code, name, room_prefix, floors, rooms }
}

/// Every building of the classroom query.
pub const BUILDINGS: [Building; 18] = [
    building(1, "1号教学楼", 1, 5, 12),
    building(2, "2号教学楼", 2, 5, 12),
    building(3, "3号教学楼", 3, 4, 10),
    building(4, "4号教学楼", 4, 4, 10),
    building(5, "5号教学楼", 5, 4, 8),
    building(6, "电气综合楼", 0, 5, 6),
    building(7, "理化综合楼", 0, 5, 6),
    building(8, "材料综合楼", 0, 4, 6),
    building(9, "机械综合楼", 0, 4, 6),
    building(10, "测绘综合楼", 0, 4, 6),
    building(11, "资环综合楼", 0, 4, 6),
    building(12, "经管综合楼", 0, 4, 6),
    building(13, "文科综合楼", 0, 3, 6),
    building(14, "外语综合楼", 0, 3, 6),
    building(15, "数信综合楼", 0, 4, 6),
    building(16, "音乐楼", 0, 2, 5),
    building(17, "工程训练中心", 0, 2, 4),
    building(18, "北校区1号教学楼", 0, 3, 6),
];

impl Building {
    /// Number of the `index`-th room (from 0) of a floor (from 1), as printed without additions.
    #[must_use]
    pub fn room(&self, floor: u32, index: u32) -> String {
        if self.room_prefix == 0 {
            format!("{floor}{:02}", index + 1)
        } else {
            format!("{}{floor}{:02}", self.room_prefix, index + 1)
        }
    }

    /// Name as EAMS and jwglxt print it: numbered buildings are told apart by their campus.
    #[must_use]
    pub fn title(&self) -> String {
        let numbered = self.name.starts_with(|first: char| first.is_ascii_digit());
        if numbered { format!("{}{}", self.campus(), self.name) } else { self.name.to_owned() }
    }

    /// Rooms with their number of seats and whether they have equipment.
    pub(crate) fn all_rooms(&self) -> impl Iterator<Item = (String, u32, bool)> {
        let rooms = (1..=self.floors).flat_map(move |floor| (0..self.rooms).map(move |index| (floor, index)));
        rooms.map(move |(floor, index)| (self.room(floor, index), 30 + 15 * (floor + index) % 180, index % 3 != 0))
    }

    /// Campus the building stands on, as printed.
    #[must_use]
    pub fn campus(&self) -> &'static str {
        if self.code == 18 { "北校区" } else { "南校区" }
    }
}
