"""What people of a country are called, and how an address spells it."""

import unicodedata

FIRST = {
    "en": "James,Oliver,Henry,Robert,Michael,Daniel,Thomas,William,Andrew,Ryan,Kevin,Brian,Emma,"
    "Olivia,Grace,Charlotte,Emily,Sarah,Jessica,Laura,Megan,Hannah,Rachel,Chloe",
    "de": "Lukas,Jürgen,Matthias,Stefan,Andreas,Florian,Jörg,Tobias,Sebastian,Markus,Björn,Uwe,"
    "Anna,Katrin,Sabine,Claudia,Lena,Marie,Jana,Heike,Birgit,Franziska,Käthe,Svenja",
    "fr": "Antoine,Julien,Mathieu,François,Nicolas,Rémi,Étienne,Laurent,Hugo,Cédric,Pascal,Yann,"
    "Camille,Élodie,Chloé,Amélie,Sophie,Inès,Margaux,Hélène,Aurélie,Claire,Léa,Noémie",
    "nl": "Daan,Sem,Bram,Jeroen,Maarten,Pieter,Ruben,Sander,Thijs,Wouter,Koen,Joost,Sanne,Lotte,"
    "Femke,Anouk,Marieke,Eva,Ilse,Nienke,Roos,Fleur,Mirjam,Esther",
    "es": "Alejandro,Javier,Pablo,Sergio,Álvaro,Diego,Íñigo,Raúl,Jorge,Andrés,Rubén,Óscar,Lucía,"
    "Marta,Paula,Carmen,Elena,Sofía,Irene,Núria,Beatriz,Rocío,Ana,Pilar",
    "it": "Luca,Marco,Matteo,Alessandro,Davide,Lorenzo,Stefano,Paolo,Giorgio,Nicolò,Fabio,Enrico,"
    "Giulia,Chiara,Francesca,Sara,Elisa,Martina,Silvia,Paola,Federica,Alessia,Ilaria,Noemi",
    "no": "Erik,Lars,Björn,Anders,Mikkel,Søren,Jonas,Nils,Henrik,Oskar,Håkan,Kjell,Astrid,Ingrid,"
    "Freja,Sofie,Linnea,Maja,Åsa,Karin,Signe,Elsa,Helle,Tuva",
    "pl": "Piotr,Paweł,Michał,Łukasz,Tomasz,Krzysztof,Jakub,Adam,Marcin,Wojciech,Rafał,Grzegorz,"
    "Agnieszka,Katarzyna,Małgorzata,Joanna,Zofia,Ewa,Magda,Karolina,Anna,Beata,Natalia,Dorota",
    "pt": "João,Tiago,Rui,Nuno,Miguel,Pedro,Gonçalo,Bruno,André,Luís,Vítor,Filipe,Ana,Inês,"
    "Catarina,Joana,Mariana,Sofia,Rita,Beatriz,Teresa,Leonor,Marta,Carla",
    "in": "Arjun,Rohan,Vikram,Sanjay,Amit,Rahul,Karthik,Nikhil,Anil,Suresh,Aditya,Manish,Priya,"
    "Ananya,Kavya,Neha,Divya,Meera,Pooja,Shreya,Lakshmi,Sunita,Asha,Riya",
}
LAST = {
    "en": "Smith,Johnson,Brown,Taylor,Walker,Harris,Clark,Lewis,Young,King,Wright,Hill,Green,"
    "Baker,Adams,Carter,Mitchell,Turner,Parker,Evans,Collins,Stewart,Morris,Rogers,Reed,Cook,"
    "Bell,Murphy,O'Brien,Kelly,Hughes,Foster,Barnes,Ross,Okafor,Nguyen,Patel,Smith-Jones",
    "de": "Müller,Schmidt,Schneider,Fischer,Weber,Meyer,Wagner,Becker,Schulz,Hoffmann,Koch,Bauer,"
    "Richter,Klein,Wolf,Schröder,Neumann,Schwarz,Zimmermann,Braun,Krüger,Hofmann,Lange,Krause,"
    "Groß,Köhler,Jäger,Böhm,Weiß,von Berg,Yilmaz,Kowalski",
    "fr": "Martin,Bernard,Dubois,Petit,Durand,Leroy,Moreau,Lefèvre,Roux,Fournier,Girard,Bonnet,"
    "Dupont,Lambert,Fontaine,Rousseau,Blanc,Guérin,Müller,Faure,André,Mercier,Chevalier,Gauthier,"
    "Perrin,Clément,Morel,Nicolas,Le Gall,Benali,De la Cour,Béranger",
    "nl": "de Jong,Jansen,de Vries,van den Berg,Bakker,van Dijk,Visser,Smit,Meijer,de Boer,Mulder,"
    "de Groot,Bos,Vos,Peters,Hendriks,van Leeuwen,Dekker,Brouwer,de Wit,Dijkstra,Smits,Kok",
    "es": "García,Fernández,López,Martínez,Sánchez,Pérez,Gómez,Ruiz,Díaz,Moreno,Muñoz,Álvarez,"
    "Romero,Alonso,Gutiérrez,Navarro,Torres,Domínguez,Vázquez,Ramos,Gil,Serrano,Blanco,Molina",
    "it": "Rossi,Russo,Ferrari,Esposito,Bianchi,Romano,Colombo,Ricci,Marino,Greco,Bruno,Gallo,"
    "Conti,De Luca,Mancini,Costa,Giordano,Rizzo,Lombardi,Moretti,Barbieri,Fontana,D'Angelo,Serra",
    "no": "Hansen,Johansson,Andersson,Nielsen,Larsen,Olsen,Karlsson,Pedersen,Berg,Lindqvist,"
    "Sørensen,Håkansson,Lund,Dahl,Nyström,Bergström,Møller,Holm,Virtanen,Korhonen,Åberg,Strand",
    "pl": "Nowak,Kowalski,Wiśniewski,Wójcik,Kowalczyk,Kamiński,Lewandowski,Zieliński,Szymański,"
    "Woźniak,Dąbrowski,Kozłowski,Mazur,Jankowski,Kwiatkowski,Krawczyk,Piotrowski,Grabowski",
    "pt": "Silva,Santos,Ferreira,Pereira,Oliveira,Costa,Rodrigues,Martins,Sousa,Fernandes,"
    "Gonçalves,Gomes,Lopes,Marques,Alves,Almeida,Ribeiro,Pinto,Carvalho,Teixeira,Moreira,Simões",
    "in": "Sharma,Verma,Patel,Singh,Gupta,Reddy,Nair,Iyer,Rao,Mehta,Joshi,Kapoor,Desai,Menon,"
    "Chatterjee,Banerjee,Malhotra,Bhat,Agarwal,Pillai,Kulkarni,Das",
}
FIRST_NAMES = {language: tuple(names.split(",")) for language, names in FIRST.items()}
LAST_NAMES = {language: tuple(names.split(",")) for language, names in LAST.items()}
SHORT = {
    "Robert": "Bob",
    "Michael": "Mike",
    "William": "Bill",
    "Thomas": "Tom",
    "Andrew": "Andy",
    "Daniel": "Dan",
    "Jessica": "Jess",
    "Matthias": "Matze",
    "Alejandro": "Alex",
    "Alessandro": "Alex",
    "Sebastian": "Basti",
}
"""What some go by at one vendor and not at the other."""
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_OTHERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "å": "a", "Å": "A"})


def plain(text: str, *, german: bool = False) -> str:
    """Spell without accents; the German way, ``ü`` is ``ue``."""
    text = text.translate(_GERMAN) if german else text
    parts = unicodedata.normalize("NFKD", text.translate(_OTHERS))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def letters(text: str, *, german: bool = False) -> str:
    """Only a to z and digits, lower case, as in an address."""
    return "".join(c for c in plain(text, german=german).lower() if c.isalnum() and c.isascii())


def key(text: str) -> str:
    """What two spellings of a name share: ``Jürgen`` and ``Jurgen``, not ``Juergen``."""
    return letters(text)
