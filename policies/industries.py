"""The industries we tell apart, and how others call them."""

from functools import cache, lru_cache

from policies.countries import folded


@lru_cache(4096)
def industry_of(text: str) -> str | None:
    """Return the one of `INDUSTRIES` that ``text`` means; None if it means none we know.

    The whole text first, then the longest known phrase in it: "Insurance brokers" is insurance.
    """
    words = folded(text).split()
    table = _table()
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            phrase = " ".join(words[start : start + length])
            if (found := table.get(phrase)) and (length == len(words) or len(phrase) > 2):
                return found
    return None


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for name, called in INDUSTRIES.items():
        for phrase in (name.replace("_", " "), *called.split(",")):
            table.setdefault(folded(phrase), name)
    return table


INDUSTRIES = {
    "software": "computer software,saas,software development,it software,"
    "internet software,application software,enterprise software,logiciel,logiciels,"
    "softwareentwicklung,desarrollo de software,apps,artificial intelligence,ai,"
    "computer games,gaming",
    "it_services": "information technology and services,information technology,it,"
    "it services,it consulting,computer network security,cybersecurity,"
    "computer and network security,cloud,hosting,data processing,informatik,informatique,"
    "informatica,edv,managed services,internet,systems integration,tech,technology,"
    "high tech,technologie,tecnologia",
    "hardware": "computer hardware,electronics,semiconductors,semiconductor,"
    "consumer electronics,elektronik,electronique,electronica,electrical,computers,"
    "electrical electronic manufacturing",
    "telecommunications": "telecom,telecoms,telco,telekommunikation,telecomunicaciones,"
    "wireless,telecommunication,internet service provider,isp",
    "financial_services": "finance,banking,bank,banks,financial,fintech,"
    "investment banking,investment management,capital markets,venture capital,"
    "private equity,finanzen,banque,banca,finanzdienstleistungen,services financiers,"
    "servicios financieros,accounting,buchhaltung,comptabilite,asset management,"
    "wealth management,credit,payments",
    "insurance": "versicherung,versicherungen,assurance,assurances,seguros,insurer,reinsurance",
    "healthcare": "health care,hospital,hospital and health care,hospitals,medical,"
    "medical practice,health,gesundheit,gesundheitswesen,sante,salud,sanidad,clinic,"
    "dental,nursing,mental health care,health wellness and fitness,wellness,"
    "medical devices,veterinary",
    "pharmaceuticals": "pharma,pharmaceutical,biotechnology,biotech,life sciences,"
    "pharmazie,pharmaindustrie,pharmacie,industrie pharmaceutique,farmaceutica,"
    "biotechnologie,drug",
    "manufacturing": "industrial,machinery,industrial automation,"
    "mechanical or industrial engineering,mechanical engineering,maschinenbau,industrie,"
    "fabrication,manufactura,fabricacion,industria,produktion,plastics,packaging,"
    "packaging and containers,steel,metals,metal,textiles,furniture,"
    "paper and forest products,glass,machine,engineering,verarbeitendes gewerbe,"
    "anlagenbau",
    "automotive": "automobile,auto,cars,vehicles,car,automobil,automobilindustrie,"
    "automotriz,kfz,automocion,motor vehicles",
    "aerospace_defense": "aerospace,defense,defence,aviation and aerospace,aviation,"
    "defense and space,military,airlines,luftfahrt,aeronautique,aeroespacial,"
    "airlines aviation",
    "chemicals": "chemical,chemie,chimie,quimica,chemische industrie",
    "energy": "oil and gas,oil energy,oil and energy,oil,gas,utilities,utility,"
    "renewables,solar,renewable energy,renewables and environment,energie,energia,"
    "electricity,power,strom,versorger,petroleum,nuclear",
    "mining": "mining and metals,bergbau,mines,mineria,metals and mining",
    "construction": "building,building materials,civil engineering,bau,baugewerbe,"
    "bauwesen,construccion,batiment,btp,architecture,architecture and planning,"
    "contractor,contractors",
    "real_estate": "property,immobilien,immobilier,bienes raices,inmobiliaria,"
    "real estate agency,commercial real estate,property management,leasing",
    "retail": "einzelhandel,commerce de detail,comercio minorista,ecommerce,e commerce,"
    "shop,stores,supermarkets,supermarket,handel,luxury goods and jewelry,apparel,"
    "apparel and fashion,fashion,online retail,department stores,commerce,comercio,"
    "shopping",
    "wholesale": "grosshandel,distribution,distributor,import and export,"
    "commerce de gros,mayorista,international trade and development,trading,"
    "wholesale trade,import export",
    "consumer_goods": "fmcg,cpg,cosmetics,sporting goods,konsumguter,"
    "biens de consommation,bienes de consumo,consumer products,toys,household goods,"
    "personal care,beauty",
    "food": "food and beverages,food and beverage,food production,beverages,"
    "wine and spirits,food,lebensmittel,agroalimentaire,alimentacion,brewery,restaurants,"
    "restaurant,dairy,catering,gastronomie,bakery",
    "agriculture": "farming,landwirtschaft,agrar,agricultura,forestry,fishery,ranching,"
    "agribusiness",
    "logistics": "transportation,transport,logistics and supply chain,supply chain,"
    "shipping,freight,trucking,logistik,logistique,logistica,maritime,warehousing,"
    "package freight delivery,railroad,spedition,transporte,courier,"
    "supply chain management",
    "hospitality": "travel,hospitality,hotel,hotels,leisure,leisure travel and tourism,"
    "tourism,tourismus,tourisme,turismo,hospitality management,hotellerie,hosteleria,"
    "events services,recreational facilities and services,travel and tourism,"
    "gambling and casinos",
    "media": "media,entertainment,broadcast media,publishing,music,newspapers,"
    "motion pictures and film,film,online media,medien,medias,verlag,edition,medios,"
    "television,tv,arts,photography,animation,printing,sports,performing arts,design,"
    "graphic design",
    "marketing_advertising": "marketing,advertising,marketing and advertising,werbung,"
    "publicite,public relations and communications,publicidad,pr,market research,agency,"
    "agentur,digital marketing,seo,public relations",
    "professional_services": "consulting,management consulting,business consulting,"
    "beratung,conseil,unternehmensberatung,consultoria,services,"
    "professional training and coaching,outsourcing,outsourcing offshoring,"
    "security and investigations,facilities services,business services,"
    "environmental services,translation and localization,dienstleistungen,research,"
    "think tanks",
    "human_resources": "staffing,recruiting,staffing and recruiting,personnel,hr,"
    "personalwesen,recruitment,zeitarbeit,recrutement,recursos humanos,"
    "ressources humaines,human resource management,executive search",
    "legal": "law,law practice,legal services,recht,juridique,law firm,kanzlei,abogados,attorney",
    "education": "higher education,e learning,elearning,education management,university,"
    "universities,primary secondary education,school,schools,bildung,hochschule,"
    "enseignement,educacion,training,edtech,college,schule,formation,libraries",
    "government": "public sector,government administration,administration publique,"
    "municipality,offentliche verwaltung,verwaltung,gobierno,public administration,"
    "law enforcement,public safety,international affairs,public policy,"
    "political organization,behorde,federal,council",
    "nonprofit": "non profit,ngo,non profit organization management,"
    "nonprofit organization,charity,nonprofit organization management,philanthropy,"
    "civic and social organization,religious institutions,fundraising,association,verein,"
    "verband,ong,religious,foundation,individual and family services",
}
"""Our names, and what else each is called (English, German, French, Spanish)."""
