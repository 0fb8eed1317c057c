"""What the columns of other systems' exports are called, and what we call them."""

from policies.countries import folded

FIELDS = (
    "first_name",
    "last_name",
    "full_name",
    "email",
    "phone",
    "company",
    "domain",
    "title",
    "industry",
    "country",
    "external_id",
    "notes",
)
"""What a column can be mapped to; ``full_name`` is split, several columns may be notes."""


def field_of(column: str) -> str | None:
    """Return the field that a column of that name usually holds; None if it is none of ours."""
    return _FIELD_OF.get(folded(_words(column)))


def _words(column: str) -> str:
    """Part "firstName" and "LeadID" into words."""
    parted = [
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(f" {column}", column, strict=False)
    ]
    return "".join(parted)


_CALLED = {
    "first_name": "first name,firstname,first,given name,forename,fname,vorname,prenom,nombre,"
    "contact first name,lead first name,rufname,name first,primer nombre,nombres,nome proprio",
    "last_name": "last name,lastname,last,surname,family name,lname,nachname,familienname,apellido,"
    "apellidos,nom de famille,contact last name,lead last name,zuname,name last,primer apellido",
    "full_name": "name,full name,fullname,contact name,lead name,person name,person,customer name,"
    "vollstandiger name,nom,nom complet,nom et prenom,nombre completo,nombre y apellidos,"
    "display name,prospect name,ansprechpartner,kontakt,kontaktname,contact person,nome completo",
    "email": "email,e mail,mail,email address,e mail address,mail address,work email,"
    "business email,contact email,primary email,corporate email,e mail adresse,emailadresse,"
    "mailadresse,adresse e mail,adresse email,adresse mail,courriel,correo,correo electronico,"
    "email 1,lead email,person email,company email,direccion de correo,e mail 1 value,"
    "direccion de correo electronico,geschaftliche e mail",
    "phone": "phone,phone number,telephone,telephone number,tel,tel nr,telefon,telefonnummer,"
    "telefon nr,mobile,mobile phone,mobile number,cell,cell phone,handy,handynummer,mobil,"
    "mobiltelefon,work phone,business phone,direct phone,contact phone,contact phone number,"
    "telefono,telefono movil,movil,numero de telefono,numero de telephone,portable,phone 1,"
    "rufnummer,contact number,phone no,lead phone,primary phone,whatsapp number,celular,"
    "phone 1 value,corporate phone",
    "company": "company,company name,organization,organisation,organization name,employer,firma,"
    "firmenname,unternehmen,account,account name,business name,societe,entreprise,"
    "nom de la societe,nom de l entreprise,raison sociale,empresa,nombre de la empresa,compania,"
    "lead company,kunde,organisation name,current company,arbeitgeber,azienda,bedrijf",
    "domain": "domain,website,web site,company website,company domain,url,homepage,web,webseite,"
    "internetseite,site web,site internet,sitio web,pagina web,company url,website url,domaine,"
    "dominio,email domain",
    "title": "title,job title,jobtitle,position,role,job role,designation,function title,"
    "berufsbezeichnung,stellenbezeichnung,funktion,jobtitel,stelle,titre,fonction,poste,"
    "intitule du poste,cargo,puesto,titulo,headline,current title,contact title,occupation title",
    "industry": "industry,industry sector,company industry,branche,industrie,wirtschaftszweig,"
    "secteur,secteur d activite,sector,industria,vertical,rama,giro",
    "country": "country,country name,country code,country region,land,staat,pays,pais,nation,"
    "company country,person country,contact country,billing country,mailing country,landercode,"
    "lead country,iso country,country iso",
    "external_id": "external id,prospect id,lead id,record id,contact id,id,customer id,user id,"
    "person id,crm id,salesforce id,hubspot id,lead number,lead nr,kundennummer,kunden nr,"
    "kundenr,identifiant,identificador,uuid,guid,record number,object id,client id,unique id,"
    "datensatz id,kontakt id,row id,ref,reference,referenz,id prospect,id contact,id cliente",
    "notes": "notes,note,comments,comment,remarks,remark,bemerkung,bemerkungen,notiz,notizen,"
    "kommentar,kommentare,commentaire,commentaires,remarques,notas,comentarios,observaciones",
}
_FIELD_OF = {name: field for field, names in _CALLED.items() for name in names.split(",")}
