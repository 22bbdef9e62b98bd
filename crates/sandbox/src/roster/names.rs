//! Names of eight cultures, put together for the sandbox from general knowledge. Family names beyond the common ones are made of
//! syllables, so that most are rare, as they are.

use super::chance::Chance;

/// Where a family's names come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Culture {
    English,
    Hispanic,
    Vietnamese,
    Chinese,
    Korean,
    Indian,
    Arabic,
    Slavic,
}

/// The given names of boys, of girls, the common family names, and what rare ones are made of.
struct Stock {
    boys: &'static str,
    girls: &'static str,
    families: &'static str,
    heads: &'static str,
    tails: &'static str,
}

const ENGLISH: Stock = Stock {
    boys: "James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Mark Steven \
           Andrew Paul Joshua Kenneth Kevin Brian Timothy Ronald Jason George Edward Jeffrey Ryan Jacob Nicholas Gary Eric Jonathan \
           Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Frank Raymond Jack Dennis Jerry Tyler Aaron \
           Henry Nathan Peter Adam Zachary Walter Kyle Harold Carl Arthur Gerald Roger Keith Lawrence Terry Albert Willie Austin \
           Owen Gavin Miles Ezekiel Everett Silas Declan Weston Micah Emmett Rowan Beckett",
    girls: "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly \
            Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Kathleen Amy Angela Shirley Anna \
            Brenda Pamela Emma Nicole Helen Samantha Katherine Christine Debra Rachel Carolyn Janet Catherine Maria Heather Diane Ruth \
            Julie Olivia Joyce Virginia Victoria Kelly Lauren Christina Joan Evelyn Judith Megan Andrea Cheryl Hannah Jacqueline \
            Hazel Violet Aurora Stella Lucy Paisley Everly Skylar Nova Ruby Clara Piper",
    families: "Smith Johnson Williams Brown Jones Davis Miller Wilson Moore Taylor Anderson Thomas Jackson White Harris Martin Thompson \
               Robinson Clark Lewis Lee Walker Hall Allen Young King Wright Scott Green Adams Baker Nelson Carter Mitchell Roberts \
               Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed Cook Morgan Bell Murphy Bailey Cooper",
    heads: "Ash Brad Carl Don Ever Farn Gran Hart Ing Kess Lang Mal Nor Oak Pem Quen Rad Stan Thorn Under Wes Whit Yar Bran Crow Dun \
            Hol Lock Mer Pres Ross Shel Strat Wal Black Gold Silver Wood Stone Rock Brook Bur Cal Der",
    tails: "ton ley field ford worth man son well wood ham by berg stein croft more land ridge dale shaw brook mont sen er ing bury",
};

const HISPANIC: Stock = Stock {
    boys: "José Luis Juan Carlos Miguel Jesús Jorge Francisco Pedro Alejandro Manuel Rafael Antonio Fernando Ricardo Eduardo Roberto \
           Javier Sergio Andrés Diego Ramón Raúl Héctor Óscar Arturo Enrique Mateo Santiago Ángel",
    girls: "María Guadalupe Ana Rosa Carmen Juana Margarita Leticia Teresa Patricia Gabriela Elena Lucía Isabel Verónica Sofía \
            Valentina Camila Daniela Mariana Yolanda Silvia Alicia Ximena Beatriz Pilar Dolores Esperanza",
    families: "García Martínez Rodríguez López Hernández González Pérez Sánchez Ramírez Torres Flores Rivera Gómez Díaz Reyes Cruz \
               Morales Ortiz Gutiérrez Chávez Ramos Ruiz Álvarez Mendoza Vásquez Castillo Jiménez Moreno Romero Herrera Medina \
               Aguilar Vargas Guzmán Salazar Rojas Delgado Fuentes Peña Navarro Campos Vega Santos Ríos Muñoz",
    heads: "Al Bar Cam Car Del Es Fer Gal Her Mal Mon Oro Pal Quin Sal San Tor Val Ver Zam",
    tails: "mazán barrán dero acho illo eda ejo onte uela ares orzano iñán estra ueva",
};

const VIETNAMESE: Stock = Stock {
    boys: "Minh Hùng Dũng Tuấn Anh Hải Long Nam Quang Sơn Thành Tùng Việt Đức Khánh Phong Bình Cường Hoàng Khoa",
    girls: "Lan Hương Hoa Mai Linh Thảo Trang Phương Thu Hà Ngọc Hằng Yến Loan Nga Thúy Vy Nhung Dung Hạnh",
    families: "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý",
    heads: "Tr Ph Th Kh Ch Ng",
    tails: "ịnh ương ạch úc âu ân ùng",
};

const CHINESE: Stock = Stock {
    boys: "Wei Jun Ming Hao Jian Lei Bo Feng Gang Xiaoming Zhiwei Jianguo Haoran Yuchen Zihan Tao Bin Chao Peng Qiang",
    girls: "Li Na Fang Xiuying Min Jing Yan Juan Xia Ying Xiaoli Meiling Yuhan Xinyi Zixuan Hui Lan Mei Qian Shan",
    families: "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie Song Tang",
    heads: "Sh Zh Q X Ch J",
    tails: "ao ian uan ing eng iong ei",
};

const KOREAN: Stock = Stock {
    boys: "Min-jun Seo-jun Ji-hoon Hyun-woo Sung-min Dong-hyun Jae-won Young-ho Joon-ho Sang-hoon Tae-yang Jin-woo",
    girls: "Seo-yeon Min-ji Ji-woo Soo-jin Hye-jin Eun-ji Yu-na Ji-eun Hyun-jung Mi-kyung Young-hee Soon-ja",
    families: "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song Ryu Hong",
    heads: "N B S M G",
    tails: "am ae eok in oh",
};

const INDIAN: Stock = Stock {
    boys: "Rahul Amit Sanjay Vijay Rajesh Suresh Anil Deepak Arjun Vikram Ravi Srinivas Venkatesh Krishna Aditya Rohan Nikhil Ganesh",
    girls: "Priya Anjali Sunita Lakshmi Kavita Pooja Neha Deepa Meena Divya Shreya Ananya Radha Geeta Swati Padma Rekha Asha",
    families: "Patel Sharma Singh Kumar Gupta Reddy Shah Rao Mehta Desai Iyer Nair Joshi Verma Agarwal Kapoor Chopra Das Menon Pillai",
    heads: "Bhatta Chakra Mukho Rama Venkata Subra Kris Nara Vish Anan Jaya Maha",
    tails: "charya borty padhyay swamy raman manian nathan murthy krishnan rajan",
};

const ARABIC: Stock = Stock {
    boys: "Mohammed Ahmed Ali Omar Yusuf Ibrahim Khalid Hassan Hussein Mustafa Abdullah Mahmoud Tariq Samir Bilal Karim Rashid Nasser",
    girls: "Fatima Aisha Mariam Zainab Layla Amina Noor Khadija Huda Salma Rania Yasmin Hanan Samira Dina Iman",
    families: "al-Hassan Khan Ahmed al-Rashid Hussein Abdullah Haddad al-Masri Mansour Khoury Nasser Saleh al-Amin Ibrahim bin-Laith Aziz \
               Farah Hamdan Qureshi Siddiqui",
    heads: "al-Ma al-Sha Abu-Ha al-Qa Ha Za Ba Ta",
    tails: "lik rif diri hadi mdan rawi sawi zzan jjar bbagh",
};

const SLAVIC: Stock = Stock {
    boys: "Aleksandr Dmitri Sergei Ivan Mikhail Andrei Nikolai Vladimir Pavel Oleg Piotr Tomasz Jakub Krzysztof Volodymyr Bohdan",
    girls: "Olga Natalia Elena Tatiana Svetlana Irina Anna Ekaterina Katarzyna Agnieszka Oksana Iryna Yulia Ludmila Galina Zofia",
    families: "Ivanov Petrov Kowalski Nowak Kovalenko Shevchenko Popov Wiśniewski Sokolov Volkov Wójcik Kozlov Novikov Bondarenko",
    heads: "Bogd Chern Drozd Grab Jank Kras Lew Mal Orl Pav Rom Sad Tch Vor Zal Zub",
    tails: "anov enko owski evich ak ski uk ovich ev in",
};

// === impl Culture ===

impl Culture {
    /// A family's culture.
    pub(super) fn draw(chance: &mut Chance, english_in_hundred: usize) -> Self {
        if chance.below(100) < english_in_hundred {
            return Self::English;
        }
        let others = [
            Self::Hispanic,
            Self::Hispanic,
            Self::Hispanic,
            Self::Vietnamese,
            Self::Chinese,
            Self::Korean,
            Self::Indian,
            Self::Arabic,
            Self::Slavic,
        ];
        *chance.one(&others)
    }

    fn stock(self) -> &'static Stock {
        match self {
            Self::English => &ENGLISH,
            Self::Hispanic => &HISPANIC,
            Self::Vietnamese => &VIETNAMESE,
            Self::Chinese => &CHINESE,
            Self::Korean => &KOREAN,
            Self::Indian => &INDIAN,
            Self::Arabic => &ARABIC,
            Self::Slavic => &SLAVIC,
        }
    }

    /// A given name. Parents of every culture also choose English ones.
    pub(super) fn given(self, chance: &mut Chance, is_male: bool) -> String {
        let culture = if chance.hits(2500) { Self::English } else { self };
        let stock = culture.stock();
        let names: Vec<&str> = if is_male { stock.boys } else { stock.girls }.split_whitespace().collect();
        let first = *chance.early(&names);
        if culture == Self::Hispanic && chance.hits(2500) {
            return format!("{first} {}", chance.one(&names));
        }
        if culture == Self::English && !is_male && chance.hits(300) {
            return format!("{first} {}", chance.one(&["Ann", "Lynn", "Jo", "Grace", "Rae"]));
        }
        first.to_owned()
    }

    /// A family name.
    pub(super) fn family(self, chance: &mut Chance) -> String {
        let stock = self.stock();
        let common: Vec<&str> = stock.families.split_whitespace().collect();
        let rare = match self {
            Self::English | Self::Slavic => 7500,
            Self::Hispanic | Self::Indian | Self::Arabic => 3500,
            Self::Vietnamese | Self::Chinese | Self::Korean => 500,
        };
        let mut one = || {
            if chance.hits(rare) {
                let (heads, tails): (Vec<&str>, Vec<&str>) =
                    (stock.heads.split_whitespace().collect(), stock.tails.split_whitespace().collect());
                let middle = *chance.one(&["", "", "", "a", "e", "o", "er", "en", "i", "ar"]);
                format!("{}{middle}{}", chance.one(&heads), chance.one(&tails))
            } else {
                (*chance.early(&common)).to_owned()
            }
        };
        let (first, second) = (one(), one());
        if self == Self::Hispanic && chance.hits(4500) {
            return format!("{first}{}{second}", chance.one(&["-", " "]));
        }
        if self == Self::Hispanic && chance.hits(600) {
            return format!("de {}{first}", chance.one(&["la ", "los ", ""]));
        }
        first
    }

    /// How names of this culture are also spelt.
    pub(super) fn respelt(self, name: &str) -> Option<String> {
        let swaps: &[(&str, &str)] = match self {
            Self::Arabic => &[
                ("Mohammed", "Muhammad"),
                ("Hussein", "Hussain"),
                ("ei", "ai"),
                ("ou", "u"),
                ("q", "k"),
                ("al-", "el-"),
                ("al-", "Al "),
            ],
            Self::Slavic => &[("ei", "ey"), ("tch", "ch"), ("w", "v"), ("ks", "x"), ("i", "y"), ("ov", "off")],
            Self::Chinese => &[("X", "Hs"), ("Zh", "Ch"), ("Q", "Ch"), ("J", "Ch")],
            Self::Korean => &[
                ("Lee", "Yi"),
                ("Park", "Pak"),
                ("Choi", "Choe"),
                ("Jung", "Chung"),
                ("oo", "u"),
                ("-", " "),
                ("-", ""),
            ],
            Self::Indian => &[("sh", "s"), ("th", "t"), ("ee", "i"), ("aya", "ay"), ("v", "w")],
            Self::Vietnamese => &[("Nguyễn", "Nguyen"), ("Hoàng", "Huynh"), ("Vũ", "Vo")],
            Self::Hispanic => &[("s", "z"), ("v", "b"), ("j", "g"), ("ll", "y")],
            Self::English => &[("ph", "f"), ("ck", "k"), ("ey", "y"), ("ie", "y"), ("C", "K"), ("ea", "ee")],
        };
        swaps.iter().find(|(from, _)| name.contains(from)).map(|(from, to)| name.replacen(from, to, 1))
    }
}

/// What people are called instead.
const CALLED: &str = "Robert:Bob William:Bill James:Jim John:Jack Richard:Rick Michael:Mike Joseph:Joe Thomas:Tom Charles:Chuck \
    Daniel:Dan Matthew:Matt Anthony:Tony Steven:Steve Andrew:Drew Joshua:Josh Kenneth:Ken Timothy:Tim Edward:Ted Jeffrey:Jeff \
    Nicholas:Nick Jonathan:Jon Benjamin:Ben Samuel:Sam Gregory:Greg Patrick:Pat Raymond:Ray Lawrence:Larry Elizabeth:Beth \
    Margaret:Peg Jennifer:Jenny Patricia:Trish Barbara:Barb Susan:Suzie Deborah:Debbie Rebecca:Becky Katherine:Kate Catherine:Cathy \
    Kathleen:Kathy Christine:Chris Christina:Tina Samantha:Sam Victoria:Vicky Pamela:Pam Kimberly:Kim Cynthia:Cindy Judith:Judy \
    Jacqueline:Jackie Virginia:Ginny Amanda:Mandy Stephanie:Steph José:Pepe Francisco:Paco Guadalupe:Lupe Dolores:Lola Aleksandr:Sasha \
    Ekaterina:Katya Mohammed:Mo Alejandro:Alex Roberto:Beto Isabel:Bella Evelyn:Evie Henry:Hank Zachary:Zack Alexander:Xander";

/// The nickname of a given name.
pub(super) fn called(given: &str) -> Option<&'static str> {
    CALLED
        .split_whitespace()
        .filter_map(|pair| pair.split_once(':'))
        .find(|(name, _)| *name == given)
        .map(|(_, called)| called)
}
