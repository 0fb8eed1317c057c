"""What a job title tells: how far up somebody stands, and what they deal with.

The most senior reading that is not qualified away wins: a "vice president" is no president, an
"assistant to the CEO" no CEO. Without a word we know, we say nothing.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from policies.countries import folded

SENIORITIES = (
    "owner",
    "c_level",
    "vp",
    "director",
    "head",
    "manager",
    "senior",
    "specialist",
    "entry",
    "student",
)
"""Highest first, but for ``student``."""


@lru_cache(16384)
def seniority_of(title: str) -> str | None:
    """Return one of `SENIORITIES`; None if the title does not tell."""
    text = _plain(title)
    for level in _ORDER:
        if _LEVELS[level].search(text):
            return level
    return None


@lru_cache(16384)
def function_of(title: str) -> str | None:
    """Return one of `FUNCTIONS`; None if the title does not tell."""
    text = _plain(title)
    found = ((m.start(), name) for name, known in _AREAS.items() if (m := known.search(text)))
    last = (len(text), "executive") if _GENERAL.search(text) else (0, None)
    return min(found, default=last)[1]


def _plain(title: str) -> str:
    """Fold a title; take out the words that read like another rank, and whom one works for."""
    text = f" {folded(title)} "
    text = _WORKS_FOR.sub(r" assistant ", text)
    for pattern, instead in _MISLEADING:
        text = pattern.sub(instead, text)
    return text


def _compiled(table: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """Compile lists of words; ``*`` at an end stands for any letters."""
    return {name: re.compile(_pattern(words)) for name, words in table.items()}


def _pattern(words: str) -> str:
    phrases = (re.escape(word.strip()).replace(r"\*", r"\w*") for word in words.split(","))
    return " (?:" + "|".join(phrases) + ") "


_ORDER = (
    "student",
    "owner",
    "vp",
    "c_level",
    "director",
    "head",
    "manager",
    "entry",
    "senior",
    "specialist",
)
_LEVELS = _compiled(
    {
        "student": "student*,studierende*,etudiant*,estudiante,undergraduate,"
        "phd candidate,doktorand*,schuler*,pupil",
        "owner": "owner,co owner,founder,co founder,cofounder,founding partner,inhaber*,"
        "grunder*,mitgrunder*,fondateur,fondatrice,cofondateur,cofondatrice,proprietaire,"
        "fundador*,propietari*,dueno,duena,entrepreneur,self employed,freelance*,"
        "selbststandig*,businessman,business owner,unternehmer*",
        "vp": "vp,svp,evp,avp,vice president,vizeprasident*,vice presidente,"
        "vice presidenta,vicepresident*,vice president*",
        "c_level": "ceo,cto,cfo,coo,cmo,cio,ciso,cpo,cro,chro,cdo,cco,cso,"
        "chief * officer,chief,president*,presidente,presidenta,prasident*,"
        "managing director,geschaftsfuhr*,geschaeftsfuehr*,vorstand*,directeur general,"
        "directrice generale,director general,directora general,pdg,gerente general,"
        "consejero delegado,general partner,managing partner,partner,"
        "amministratore delegato,board member,chairman,chairwoman,chairperson,chair",
        "director": "director*,direktor*,directeur,directrice,direttore,diretor,diretora,"
        "hauptabteilungsleit*,bereichsleit*",
        "head": "head,head of *,leiter,leiterin,abteilungsleit*,responsable,jefe,jefa,"
        "chef de,leitung,principal,dean,direktion",
        "manager": "manager*,mgr,supervisor,team lead,teamleit*,lead,gerente,encargad*,"
        "gruppenleit*,foreman,meister,coordinator,koordinator*,coordinador*,coordinateur,"
        "superintendent,administrator,projektleit*,*leiter,*leiterin",
        "entry": "junior,jr,intern,internship,trainee,apprentice,azubi,auszubildende*,"
        "praktikant*,stagiaire,becari*,practicante,werkstudent*,graduate,entry level,"
        "assistant,assistent*,asistente,assistante,clerk,receptionist,volunteer,"
        "alternant*,apprenti*,aide",
        "senior": "senior,sr,staff,expert,architect,architekt*,fellow,distinguished,"
        "specialist lead,experienced,erfahren*,professor*,profesor*",
        "specialist": "specialist*,spezialist*,analyst*,analista,engineer*,ingenieur*,"
        "ingenier*,developer*,entwickler*,developpeur,developpeuse,desarrollador*,"
        "consultant*,berater*,consultor*,representative,executive,associate,"
        "businesspartner,officer,referent*,sachbearbeit*,scientist,designer*,buyer,"
        "accountant,recruiter,technician,techniker*,technicien*,tecnico,nurse,teacher,"
        "lehrer*,agent,advisor,adviser,planner,programmer,writer,editor,"
        "account executive,sales rep,comercial,vendedor*,verkaufer*,commercial,attorney,"
        "lawyer,physician,doctor,pharmacist,working professional",
    }
)

_AREAS = _compiled(
    {
        "sales": "sales,vertrieb*,verkauf*,ventas,comercial,vente,ventes,"
        "business development,account executive,account manager,key account *,bdr,sdr,"
        "cro,chief revenue officer,revenue,vertriebs*,commercial,vendas,partnerships,"
        "sales*",
        "marketing": "marketing*,cmo,brand,growth,seo,content,communications,"
        "communication,pr,kommunikation,mercadotecnia,werbe*,advertising,"
        "public relations,social media,demand generation,digital marketing,comunicacion,"
        "produktmarketing,media",
        "finance": "finance,finanz*,finances,finanzas,cfo,accounting,accountant*,"
        "controller*,controlling,treasur*,buchhalt*,comptab*,contab*,contador*,audit*,"
        "tax,financial*,bookkeep*,rechnungswesen,financier,actuar*,billing",
        "engineering": "engineering,engineer*,developer*,software,cto,r d,entwickl*,"
        "developpe*,desarrollador*,programmer,devops,architect,ingenieur*,ingenier*,"
        "research and development,web,qa,technical lead,firmware,hardware,sre,forschung*,"
        "technik*",
        "it": "it,cio,ciso,information technology,system administrator,"
        "systems administrator,edv,sysadmin,network,informatik*,informatique,sistemas,"
        "security,cyber*,infrastructure,helpdesk,database,dba,cloud,it leiter,"
        "systemadministrator*,dsi,it manager,tecnologia",
        "data": "data,analytics,business intelligence,bi,data scientist,machine learning,"
        "ai,data science,statistic*,daten*,cdo,datos,donnees",
        "product": "product,product manager,produkt*,produit,producto,cpo,product owner,ux,ui",
        "design": "design*,creative,art director,grafik*,graphic*,artdirektor*",
        "hr": "hr,human resources,people,talent,recruit*,personal,personalleit*,"
        "personalwesen,rh,ressources humaines,recursos humanos,chro,payroll,"
        "personalreferent*,human resource*,learning and development",
        "operations": "operations,operation*,coo,betrieb*,operaciones,production,"
        "produktion*,manufacturing,plant,fertigung*,facility,quality,qualitat*,process,"
        "office manager,administration,verwaltung*,back office,office",
        "purchasing": "procurement,purchas*,einkauf*,einkaufer*,achat*,acheteu*,compras,"
        "sourcing,buyer,category manager,vendor",
        "logistics": "logisti*,supply chain,supply,lieferkette,warehouse,lager*,fleet,transport*",
        "customer_service": "customer*,customer success,customer service,support,client*,"
        "kundenservice,kundendienst,kundenbetreu*,service client,servicio al cliente,"
        "call center,atencion al cliente,service desk,helpline",
        "legal": "legal,lawyer,attorney,counsel,compliance,jurist*,rechts*,juridi*,"
        "abogad*,avocat*,general counsel,datenschutz*,dpo,privacy,paralegal,notar*",
        "medical": "physician,doctor,nurse,medical,clinical,arzt,arztin,medecin,medico,"
        "pharma*,therapist,dentist,health*,surgeon,pfleg*",
        "education": "teacher,professor*,lecturer,lehrer*,dozent*,teaching,enseignant*,"
        "profesor*,education,principal,training,trainer,instructor,coach,faculty,"
        "academic,student*",
    }
)
_GENERAL = re.compile(
    _pattern(
        "ceo,president*,owner,founder,co founder,cofounder,managing director,general manager,"
        "geschaftsfuhr*,geschaeftsfuehr*,inhaber*,grunder*,pdg,directeur general,"
        "directrice generale,director general,directora general,vorstand*,managing partner,"
        "partner,fondateur,fondatrice,fundador*,chairman,entrepreneur,gerente general,prasident*,"
        "chief executive officer,unternehmer*,businessman"
    )
)
_WORKS_FOR = re.compile(
    r" (?:(?:executive |personal )?assistant|assistent\w*|secretary) (?:to|der|des|of) .*"
)
_MISLEADING = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r" (?:\w+ )?vice[ -]?president\w* ", " vp "),
        (r" business partner\w* ", " businesspartner "),
        (r" partner manager ", " partnerships manager "),
        (r" product owner ", " product lead "),
        (r" (deputy|stellvertretend\w*|acting|interim) ", " "),
    )
]
FUNCTIONS = (*_AREAS, "executive")
"""What people deal with."""
