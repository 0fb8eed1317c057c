"""The objects of the org, standard and custom fields.

The standard ones have their real lengths, those of Lead Engine are as an administrator would have
added them.

Sources: Object Reference (Lead, Contact, Account, Opportunity, User, Organization) [M for the
lengths]; the custom fields are an example of ours.
"""

from collections.abc import Iterable, Sequence

from scripts.sandbox.salesforce.fields import Field
from scripts.sandbox.salesforce.sobject import SObject

CONVERTED = "Closed - Converted"
LEAD_STATUSES = (
    "Open - Not Contacted",
    "Working - Contacted",
    CONVERTED,
    "Closed - Not Converted",
)
STAGES = (
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
INDUSTRIES = (
    *("Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications"),
    *("Construction", "Consulting", "Education", "Electronics", "Energy", "Engineering"),
    *("Entertainment", "Environmental", "Finance", "Food & Beverage", "Government"),
    *("Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing", "Media"),
    *("Not For Profit", "Recreation", "Retail", "Shipping", "Technology"),
    *("Telecommunications", "Transportation", "Utilities", "Other"),
)
RATINGS = ("Hot", "Warm", "Cold")
SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx.")
TIERS = ("Hot", "Warm", "Cool", "Cold")


def _sobject(name: str, label: str, fields: Iterable[Field]) -> SObject:
    return SObject.of(name, label, [*_system(), *fields])


def _fixed(name: str, label: str, fields: Iterable[Field]) -> SObject:
    own = [Field("Id", "ID", "id", 18, writable=False), *fields]
    return SObject.of(name, label, own, writable=False)


def _system() -> list[Field]:
    return [
        Field("Id", "ID", "id", 18, writable=False, lookup=True),
        Field("IsDeleted", "Deleted", "boolean", writable=False, default=False),
        _reference("OwnerId", "Owner", "Owner", "User", writable=True),
        Field("CreatedDate", "Created Date", "datetime", writable=False),
        _reference("CreatedById", "Created By", "CreatedBy", "User"),
        Field("LastModifiedDate", "Last Modified Date", "datetime", writable=False),
        _reference("LastModifiedById", "Last Modified By", "LastModifiedBy", "User"),
        Field("SystemModstamp", "System Modstamp", "datetime", writable=False),
        Field("LastActivityDate", "Last Activity", "date", writable=False),
    ]


def _reference(name: str, label: str, relation: str, to: str, *, writable: bool = False) -> Field:
    return Field(name, label, "reference", 18, writable=writable, refers=(to,), relation=relation)


def _text(name: str, label: str, length: int, *, required: bool = False) -> Field:
    return Field(name, label, "string", length, required=required)


def _choice(
    name: str,
    label: str,
    values: Sequence[str],
    *,
    restricted: bool = False,
    default: str | None = None,
) -> Field:
    return Field(
        name, label, "picklist", 255, values=values, restricted=restricted, default=default
    )


def _number(name: str, label: str, kind: str, before: int, after: int) -> Field:
    return Field(name, label, kind, digits=(before, after))


def _flag(name: str, label: str, *, writable: bool = True) -> Field:
    return Field(name, label, "boolean", writable=writable, default=False)


def _address(prefix: str = "") -> list[Field]:
    word = f"{prefix} " if prefix else ""
    return [
        Field(f"{prefix}Street", f"{word}Street", "textarea", 255),
        _text(f"{prefix}City", f"{word}City", 40),
        _text(f"{prefix}State", f"{word}State/Province", 80),
        _text(f"{prefix}PostalCode", f"{word}Zip/Postal Code", 20),
        _text(f"{prefix}Country", f"{word}Country", 80),
    ]


def _person() -> list[Field]:
    return [
        _text("LastName", "Last Name", 80, required=True),
        _text("FirstName", "First Name", 40),
        _choice("Salutation", "Salutation", SALUTATIONS),
        Field("Name", "Full Name", "string", 121, writable=False),
        _text("Title", "Title", 128),
        Field("Phone", "Phone", "phone", 40),
        Field("MobilePhone", "Mobile Phone", "phone", 40),
        Field("Fax", "Fax", "phone", 40),
        Field("Email", "Email", "email", 80, lookup=True),
        Field("Description", "Description", "textarea", 32_000),
        _choice("LeadSource", "Lead Source", SOURCES),
        _flag("HasOptedOutOfEmail", "Email Opt Out"),
        _flag("DoNotCall", "Do Not Call"),
    ]


def _engine_id() -> Field:
    return Field("LeadEngine_Id__c", "Lead Engine Id", "string", 36, external_id=True, unique=True)


def _engine() -> list[Field]:
    return [
        _engine_id(),
        _number("LeadEngine_Score__c", "Lead Engine Score", "double", 3, 2),
        _choice("LeadEngine_Tier__c", "Lead Engine Tier", TIERS, restricted=True),
        _number("LeadEngine_Confidence__c", "Lead Engine Confidence", "double", 3, 0),
        Field("LeadEngine_Reasons__c", "Lead Engine Reasons", "textarea", 32_768),
        _text("LeadEngine_Status__c", "Lead Engine Status", 40),
        _text("LeadEngine_Source__c", "Lead Engine Source", 80),
        Field("LeadEngine_Scored_At__c", "Lead Engine Scored At", "datetime"),
        _text("Seniority__c", "Seniority", 80),
        _text("Department__c", "Department", 80),
        Field("LinkedIn_URL__c", "LinkedIn", "url", 255),
    ]


LEAD = _sobject(
    "Lead",
    "Lead",
    [
        _reference("MasterRecordId", "Master Record", "MasterRecord", "Lead"),
        *_person(),
        _text("Company", "Company", 255, required=True),
        *_address(),
        Field("Website", "Website", "url", 255),
        _choice("Status", "Status", LEAD_STATUSES, default=LEAD_STATUSES[0]),
        _choice("Industry", "Industry", INDUSTRIES),
        _choice("Rating", "Rating", RATINGS),
        _number("AnnualRevenue", "Annual Revenue", "currency", 18, 0),
        _number("NumberOfEmployees", "Employees", "int", 8, 0),
        _flag("IsConverted", "Converted", writable=False),
        Field("ConvertedDate", "Converted Date", "date", writable=False),
        _reference("ConvertedAccountId", "Converted Account", "ConvertedAccount", "Account"),
        _reference("ConvertedContactId", "Converted Contact", "ConvertedContact", "Contact"),
        _reference(
            "ConvertedOpportunityId",
            "Converted Opportunity",
            "ConvertedOpportunity",
            "Opportunity",
        ),
        _flag("IsUnreadByOwner", "Unread By Owner"),
        *_engine(),
        Field("Legacy_Id__c", "Legacy Id", "string", 40, external_id=True),
    ],
)
CONTACT = _sobject(
    "Contact",
    "Contact",
    [
        _reference("AccountId", "Account", "Account", "Account", writable=True),
        *_person(),
        _text("Department", "Department", 80),
        *_address("Mailing"),
        Field("LeadEngine_Lead_Id__c", "Lead Engine Lead", "string", 36, external_id=True),
    ],
)
ACCOUNT = _sobject(
    "Account",
    "Account",
    [
        _text("Name", "Account Name", 255, required=True),
        Field("Website", "Website", "url", 255),
        Field("Phone", "Account Phone", "phone", 40),
        _choice("Industry", "Industry", INDUSTRIES),
        _number("AnnualRevenue", "Annual Revenue", "currency", 18, 0),
        _number("NumberOfEmployees", "Employees", "int", 8, 0),
        *_address("Billing"),
        Field("Description", "Description", "textarea", 32_000),
        _choice("Rating", "Rating", RATINGS),
    ],
)
OPPORTUNITY = _sobject(
    "Opportunity",
    "Opportunity",
    [
        _text("Name", "Name", 120, required=True),
        _reference("AccountId", "Account", "Account", "Account", writable=True),
        _reference("ContactId", "Contact", "Contact", "Contact", writable=True),
        Field("StageName", "Stage", "picklist", 255, values=STAGES, required=True),
        Field("CloseDate", "Close Date", "date", required=True),
        _number("Amount", "Amount", "currency", 16, 2),
        _number("Probability", "Probability (%)", "percent", 3, 0),
        _choice("LeadSource", "Lead Source", SOURCES),
        _text("NextStep", "Next Step", 255),
        Field("Description", "Description", "textarea", 32_000),
        _flag("IsClosed", "Closed", writable=False),
        _flag("IsWon", "Won", writable=False),
        _engine_id(),
        _number("LeadEngine_Score__c", "Lead Engine Score", "double", 3, 2),
        _reference("LeadEngine_Lead__c", "Lead", "LeadEngine_Lead__r", "Lead", writable=True),
    ],
)
USER = _fixed(
    "User",
    "User",
    [
        _text("Username", "Username", 80),
        _text("Name", "Full Name", 121),
        Field("Email", "Email", "email", 128),
        _flag("IsActive", "Active"),
    ],
)
ORGANIZATION = _fixed(
    "Organization",
    "Organization",
    [
        _text("Name", "Name", 80),
        _text("OrganizationType", "Edition", 40),
        _text("InstanceName", "Instance Name", 5),
        _flag("IsSandbox", "Is Sandbox"),
    ],
)
LEAD_STATUS = _fixed(
    "LeadStatus",
    "Lead Status Value",
    [
        _text("MasterLabel", "Master Label", 255),
        _text("ApiName", "API Name", 255),
        _flag("IsConverted", "Is Converted"),
        _flag("IsDefault", "Is Default"),
        _number("SortOrder", "Sort Order", "int", 9, 0),
    ],
)
OBJECTS = (LEAD, CONTACT, ACCOUNT, OPPORTUNITY, USER, ORGANIZATION, LEAD_STATUS)
