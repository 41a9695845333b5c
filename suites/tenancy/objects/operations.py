"""Every operation of S3, as requests: on an object, on a bucket's configuration, on a listing, on the account.

After the API's reference (docs.aws.amazon.com/AmazonS3/latest/API), with what servers of the
protocol add.  `tests/suites/tenancy/objects/` proves that no method of the SDK is missing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from suites.tenancy.objects.wire import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

_XMLNS: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_TAGS: Final = b"<Tagging><TagSet><Tag><Key>constat</Key><Value>attack</Value></Tag></TagSet></Tagging>"
_RETAIN: Final = b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate></Retention>"
_HOLD: Final = b"<LegalHold><Status>ON</Status></LegalHold>"
_SELECT: Final = (
    b"<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType>"
    b"<InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>"
)
ATTACK: Final = b"constat-attack"
_PART: Final = (
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
    f"<ETag>{hashlib.md5(ATTACK, usedforsecurity=False).hexdigest()}</ETag></Part></CompleteMultipartUpload>"
).encode()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One verb; `methods` are the SDK's names for it."""

    name: str
    method: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    methods: tuple[str, ...] = ()
    # It shows the object's content, so that one's own canary comes back.
    shows: bool = False
    # How the server answers besides success when it has looked at the object: by status or by code.
    lets_in: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether it can change something."""
        return self.method not in {"GET", "HEAD"} and self.name != "select"

    def on(self, path: str, *, version: str = "", upload: str = "") -> Request:
        """The request against that path; `{version}` and `{upload}` in the query are filled in."""
        query = tuple((name, value.format(version=version, upload=upload)) for name, value in self.query)
        headers = dict(self.headers)
        if self.body:
            headers["content-md5"] = base64.b64encode(hashlib.md5(self.body, usedforsecurity=False).digest()).decode()
        return Request(method=self.method, path=path, query=query, headers=headers, body=self.body)


def _flag(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "") for name in names)


_UNLOCKED: Final = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NoSuchObjectLegalHold"})

ON_OBJECT: Final = (
    Operation(name="get", method="GET", shows=True, methods=("get_object", "fget_object")),
    Operation(name="get a range", method="GET", headers={"range": "bytes=0-200"}, shows=True),
    Operation(name="get unless", method="GET", headers={"if-none-match": "*"}, lets_in=frozenset({"http 304"})),
    Operation(name="get if", method="GET", headers={"if-match": '"0"'}, lets_in=frozenset({"http 412"})),
    Operation(name="get a part", method="GET", query=(("partNumber", "1"),), shows=True),
    Operation(name="get a version", method="GET", query=(("versionId", "{version}"),), shows=True),
    Operation(name="get attributes", method="GET", query=_flag("attributes"), headers={"x-amz-object-attributes": "ETag,ObjectSize"}),
    Operation(name="get tags", method="GET", query=_flag("tagging"), methods=("get_object_tags",)),
    Operation(name="get the access list", method="GET", query=_flag("acl")),
    Operation(name="get retention", method="GET", query=_flag("retention"), methods=("get_object_retention",), lets_in=_UNLOCKED),
    Operation(
        name="get the legal hold",
        method="GET",
        query=_flag("legal-hold"),
        methods=("is_object_legal_hold_enabled",),
        lets_in=_UNLOCKED,
    ),
    Operation(name="get the torrent", method="GET", query=_flag("torrent")),
    Operation(name="get metadata", method="GET", query=(("metadata", ""), ("proxyChunkId", "true"))),
    Operation(name="list parts", method="GET", query=(("uploadId", "{upload}"),)),
    Operation(name="head", method="HEAD", methods=("stat_object",)),
    Operation(name="head a version", method="HEAD", query=(("versionId", "{version}"),)),
    Operation(name="select", method="POST", query=(("select", ""), ("select-type", "2")), body=_SELECT, methods=("select_object_content",)),
    Operation(name="put", method="PUT", body=ATTACK, methods=("put_object", "fput_object", "upload_snowball_objects")),
    Operation(name="put if absent", method="PUT", headers={"if-none-match": "*"}, body=ATTACK, lets_in=frozenset({"http 412"})),
    Operation(name="put with public access", method="PUT", headers={"x-amz-acl": "public-read-write"}, body=ATTACK),
    Operation(name="put with tags", method="PUT", headers={"x-amz-tagging": "constat=attack"}, body=ATTACK),
    Operation(name="append", method="PUT", headers={"x-amz-write-offset-bytes": "0"}, body=ATTACK, methods=("append_object",)),
    Operation(name="append by query", method="PUT", query=(("op", "append"),), body=ATTACK),
    Operation(name="tag", method="PUT", query=_flag("tagging"), body=_TAGS, methods=("set_object_tags",)),
    Operation(name="untag", method="DELETE", query=_flag("tagging"), methods=("delete_object_tags",)),
    Operation(name="publish", method="PUT", query=_flag("acl"), headers={"x-amz-acl": "public-read"}),
    Operation(name="retain", method="PUT", query=_flag("retention"), body=_RETAIN, methods=("set_object_retention",)),
    Operation(
        name="hold",
        method="PUT",
        query=_flag("legal-hold"),
        body=_HOLD,
        methods=("enable_object_legal_hold", "disable_object_legal_hold"),
    ),
    Operation(name="restore", method="POST", query=_flag("restore"), body=b"<RestoreRequest><Days>1</Days></RestoreRequest>"),
    Operation(name="begin an upload", method="POST", query=_flag("uploads"), methods=("compose_object",)),
    Operation(name="upload a part", method="PUT", query=(("partNumber", "1"), ("uploadId", "{upload}")), body=ATTACK),
    Operation(name="complete an upload", method="POST", query=(("uploadId", "{upload}"),), body=_PART),
    Operation(name="abort an upload", method="DELETE", query=(("uploadId", "{upload}"),)),
    Operation(name="delete", method="DELETE", methods=("remove_object",)),
    Operation(name="delete a version", method="DELETE", query=(("versionId", "{version}"),)),
    Operation(
        name="delete past the lock",
        method="DELETE",
        query=(("versionId", "{version}"),),
        headers={"x-amz-bypass-governance-retention": "true"},
    ),
    Operation(name="delete with all below", method="DELETE", query=(("recursive", "true"),)),
)

# Subresource of a bucket → a document that would be put there, and the SDK's names for what is done with it.
_VERSIONING: Final = f"<VersioningConfiguration {_XMLNS}><Status>Suspended</Status></VersioningConfiguration>"
_LIFECYCLE: Final = (
    f"<LifecycleConfiguration {_XMLNS}><Rule><ID>constat</ID><Status>Enabled</Status><Filter><Prefix>constat-nothing/</Prefix></Filter>"
    "<Expiration><Days>3650</Days></Expiration></Rule></LifecycleConfiguration>"
)
_CORS: Final = (
    "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
)
_LOCK: Final = (
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
)
_ENCRYPTION: Final = (
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)
_OWNERSHIP: Final = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"
_OPEN: Final = (
    "<PublicAccessBlockConfiguration><BlockPublicAcls>false</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>"
    "<BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
)
_POLICY: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
    '"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/constat-nothing/*"}]}'
)
CONFIGURATIONS: Final[dict[str, str]] = {
    "policy": _POLICY,
    "versioning": _VERSIONING,
    "lifecycle": _LIFECYCLE,
    "tagging": _TAGS.decode(),
    "cors": _CORS,
    "object-lock": _LOCK,
    "encryption": _ENCRYPTION,
    "ownershipControls": _OWNERSHIP,
    "publicAccessBlock": _OPEN,
    "acl": "",
    "notification": "<NotificationConfiguration/>",
    "replication": "<ReplicationConfiguration/>",
    "logging": "<BucketLoggingStatus/>",
    "website": "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
    "requestPayment": "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
    "accelerate": "<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>",
    "analytics": "<AnalyticsConfiguration/>",
    "inventory": "<InventoryConfiguration/>",
    "metrics": "<MetricsConfiguration/>",
    "intelligent-tiering": "<IntelligentTieringConfiguration/>",
    "quota": "",
}
# Looked at only: no method puts them.
LOOKED_AT: Final = ("policyStatus", "location")
# What a server answers to everybody who asks, and what tells nothing about a tenant.
SDK_ON_BUCKET: Final[dict[str, tuple[str, ...]]] = {
    "policy": ("get_bucket_policy", "set_bucket_policy", "delete_bucket_policy"),
    "versioning": ("get_bucket_versioning", "set_bucket_versioning"),
    "lifecycle": ("get_bucket_lifecycle", "set_bucket_lifecycle", "delete_bucket_lifecycle"),
    "tagging": ("get_bucket_tags", "set_bucket_tags", "delete_bucket_tags"),
    "object-lock": ("get_object_lock_config", "set_object_lock_config", "delete_object_lock_config"),
    "encryption": ("get_bucket_encryption", "set_bucket_encryption", "delete_bucket_encryption"),
    "notification": (
        *("get_bucket_notification", "set_bucket_notification", "delete_bucket_notification"),
        "listen_bucket_notification",
    ),
    "replication": ("get_bucket_replication", "set_bucket_replication", "delete_bucket_replication"),
}
# Attacked by acts of their own.
SDK_ELSEWHERE: Final = frozenset(
    {"make_bucket", "list_buckets", "bucket_exists", "remove_bucket", "copy_object", "remove_objects", "list_objects"}
    | {"get_presigned_url", "presigned_get_object", "presigned_put_object", "presigned_post_policy"}
)
# Methods that send nothing, or that another product alone answers.
SDK_LOCAL: Final = frozenset(
    {"set_app_info", "trace_on", "trace_off", "prompt_object"}
    | {
        f"{verb}_{what}"
        for verb in ("enable", "disable")
        for what in ("accelerate_endpoint", "dualstack_endpoint", "virtual_style_endpoint")
    }
)


def known_methods() -> frozenset[str]:
    """Every method of the SDK that some act stands for."""
    by_table = {method for operation in ON_OBJECT for method in operation.methods}
    return frozenset(by_table | {method for methods in SDK_ON_BUCKET.values() for method in methods} | SDK_ELSEWHERE | SDK_LOCAL)


def deletion(keys: tuple[str, ...]) -> bytes:
    """The document that asks for several objects to be deleted at once."""
    return f"<Delete>{''.join(f'<Object><Key>{key}</Key></Object>' for key in keys)}</Delete>".encode()
