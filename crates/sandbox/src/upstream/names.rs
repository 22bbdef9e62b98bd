//! Invented names and places. None belongs to a data set of real people.

pub(crate) const FAMILIES: [&str; 40] = [
    "Abernathy", "Alvarez", "Baptiste", "Bergstrom", "Castellano", "Chen", "Dalgaard", "Delacroix", "Eriksen", "Farrow",
    "Fitzgerald", "Garnier", "Haddad", "Hollis", "Ibarra", "Jankowski", "Kaminski", "Kowalczyk", "Lindqvist", "Marchetti",
    "Mbeki", "Nakamura", "Novak", "O'Malley", "Okafor", "Park", "Pemberton", "Quintero", "Rasmussen", "Reyes", "Sandoval",
    "Schroeder", "Takahashi", "Tanaka", "Underhill", "Vasquez", "Villanueva", "Whitlock", "Yamamoto", "Zielinski",
];

pub(crate) const GIVEN: [&str; 40] = [
    "Ada", "Amara", "Beatriz", "Bjorn", "Callum", "Carmen", "Dariusz", "Delphine", "Elif", "Emeka", "Fiona", "Gabriel",
    "Hana", "Hugo", "Imani", "Ingrid", "Jasper", "Joaquin", "Kenji", "Kirsten", "Leila", "Lorenzo", "Marisol", "Matteo",
    "Nadia", "Niko", "Octavia", "Oskar", "Paloma", "Quentin", "Rafael", "Rosalind", "Sanjay", "Sigrid", "Tamsin", "Thandiwe",
    "Ulrich", "Valentina", "Wanjiru", "Yusuf",
];

pub(crate) const STREETS: [&str; 12] = [
    "Alder Lane", "Bishop Street", "Canal Road", "Dover Avenue", "Elm Court", "Foundry Way", "Granite Terrace",
    "Harbor Drive", "Ivy Place", "Juniper Street", "Kestrel Road", "Lantern Walk",
];

pub(crate) const CITIES: [(&str, &str, &str); 8] = [
    ("Ashford", "OH", "441"), ("Brookhaven", "PA", "190"), ("Cedar Falls", "IA", "506"), ("Dunmore", "NY", "120"),
    ("Eastvale", "CA", "917"), ("Fairmont", "MN", "560"), ("Glenwood", "IL", "604"), ("Hartwell", "GA", "306"),
];
